import { expect } from 'chai';
import fc from 'fast-check';
import { visibleLine, visibleLines } from '../../shared/visible-text.ts';

describe('shared/visible-text', () => {
  it('leaves readable text of any language as it is', () => {
    for (const text of ['Quy chế', '漢字', 'a  b', 'x = "y" & <z>', '👍']) expect(visibleLine(text)).to.equal(text);
  });

  it('spells out what cannot be seen', () => {
    expect(visibleLine('a\nb\tc\rd\u001be\u202ef\u200bg\u2028h')).to.equal(
      'a\\nb\\tc\\rd\\u{1b}e\\u{202e}f\\u{200b}g\\u{2028}h',
    );
  });

  it('never leaves a character that cannot be seen, and says the same when asked twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleLine(text)).to.not.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(visibleLine(visibleLine(text))).to.equal(visibleLine(text));
        for (const line of visibleLines(text)) expect(visibleLine(line)).to.equal(line);
      }),
      { numRuns: 300 },
    );
  }).timeout(20_000);

  it('keeps line breaks and tabs where lines are wanted', () => {
    expect(visibleLines('a\r\nb\n\tc')).to.deep.equal(['a', 'b', '    c']);
  });
});
