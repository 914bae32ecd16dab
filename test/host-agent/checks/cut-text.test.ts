import { expect } from 'chai';
import fc from 'fast-check';
import { cutArguments, cutBeginning, cutEnd, cutToJsonBytes, jsonBytes } from '../../../host-agent/checks/cut-text.ts';
import { canonicalText, decodeCanonical } from '../../../shared/canonical-json.ts';

const texts = fc.string({ unit: fc.constantFrom('a', '\u0001', '"', 'é', '😀', '\ud83d', '\n'), maxLength: 3000 });

describe('text that is cut for the ledger', () => {
  it('keeps its bounds in characters', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 3, max: 600 }), (text, most) => {
        expect(cutEnd(text, most).length).to.be.at.most(Math.max(most, 3));
        expect(cutBeginning(text, most).length).to.be.at.most(Math.max(most, 3));
      }),
    );
  });

  it('keeps its bound in bytes of JSON, and the end of the text', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 8, max: 4000 }), (text, mostBytes) => {
        const cut = cutToJsonBytes(text, mostBytes);
        expect(jsonBytes(cut)).to.be.at.most(mostBytes);
        if (jsonBytes(text) <= mostBytes) expect(cut).to.equal(text);
        else expect(text.toWellFormed().endsWith(cut.slice(4)), cut).to.equal(true);
      }),
    );
  });

  it('comes back from canonical JSON as it was', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const cut = cutEnd(text, 100);
        expect(decodeCanonical(Buffer.from(canonicalText(cut)), 'text')).to.equal(cut);
      }),
    );
  });

  it('of a command line keeps few arguments, few bytes, and tells how many more there were', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 60 }), (argv) => {
        const cut = cutArguments(argv);
        const shown = cut.filter((argument) => !/^\(\d+ more\)$/.test(argument));
        const more = Number(/^\((\d+) more\)$/.exec(cut.at(-1) ?? '')?.[1] ?? 0);
        expect(shown.length + more).to.equal(argv.length);
        expect(cut.length).to.be.at.most(33);
        expect(jsonBytes(cut.join(''))).to.be.at.most(9 * 1024);
      }),
    );
  });
});
