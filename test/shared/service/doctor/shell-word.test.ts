import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { commandLine } from '../../../../shared/service/doctor/shell-word.ts';

describe('commandLine', () => {
  it('leaves plain words as they are and quotes the others', () => {
    expect(commandLine(['chmod', '600', '/home/x/a b', "it's", ''])).to.equal("chmod 600 '/home/x/a b' 'it'\\''s' ''");
  });

  it('is taken apart by a shell into the words that it was made of', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\0\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(words)}`], { encoding: 'utf8' });
        expect(printed.split('\0').slice(0, -1)).to.deep.equal(words);
      }),
      { numRuns: 40 },
    );
  });
});
