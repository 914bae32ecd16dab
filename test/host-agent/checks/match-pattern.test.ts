import { expect } from 'chai';
import fc from 'fast-check';
import { findMatches, matchText, PATTERN_MS } from '../../../host-agent/checks/match-pattern.ts';

describe('a search with a pattern of a plan', () => {
  it('finds what a plain search finds', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'é', '😀') }), (text) => {
        const plain = [...text.matchAll(/^(a+)b?/gm)].map(({ 0: whole, 1: group, index }) => ({ whole, group, index }));
        expect(findMatches('^(a+)b?', text, { most: 1000 })).to.deep.equal(plain);
      }),
    );
  });

  const endless = { 'nested repetition': '(a+)+$', alternatives: '(a|aa)+$', 'a back reference': '(a*)*\\1b$' };
  for (const [name, pattern] of Object.entries(endless)) {
    it(`is stopped when ${name} backtracks for ever`, () => {
      const started = performance.now();
      const match = matchText(pattern, `${'a'.repeat(5000)}c`);
      expect(match.matched).to.equal('undecided');
      expect(performance.now() - started).to.be.below(PATTERN_MS * 8);
    });
  }

  it('ends at the first match, though the rest would take for ever', () => {
    expect(matchText('x|(a+)+$', `x${'a'.repeat(5000)}c`)).to.deep.equal({ matched: 'yes', excerpt: 'x' });
  });

  it('decides a million places in time', () => {
    expect(matchText('z', 'y'.repeat(1024 * 1024)).matched).to.equal('no');
    expect(matchText('.', 'y'.repeat(1024 * 1024)).matched).to.equal('yes');
  });

  it('cannot be told to run code', () => {
    const text = '`);process.exit(1);//';
    expect(matchText('process\\.exit', text)).to.deep.equal({ matched: 'yes', excerpt: 'process.exit' });
  });

  it('sees the end of a text that does not match', () => {
    const { excerpt } = matchText('z', `${'x'.repeat(2000)} the end\n`);
    expect(excerpt)
      .to.have.length(512)
      .and.to.satisfy((text: string) => text.endsWith('the end'));
  });
});
