import { expect } from 'chai';
import { nearest } from '../../../../shared/release/keyturn-yaml/nearest.ts';

const KNOWN = ['name', 'install', 'artifact', 'secrets', 'entrypoints', 'gates'];

describe('nearest known word', () => {
  const rows: readonly (readonly [word: string, near: string | undefined])[] = [
    ['nmae', 'name'],
    ['Name', 'name'],
    ['artefact', 'artifact'],
    ['secret', 'secrets'],
    ['entry-points', 'entrypoints'],
    ['gate', 'gates'],
    ['zebra', undefined],
    ['', undefined],
    ['x'.repeat(5000), undefined],
  ];
  for (const [word, near] of rows) {
    it(`to "${word.slice(0, 20)}" is ${near ?? 'none'}`, () => expect(nearest(word, KNOWN)).to.equal(near));
  }
  it('has nine rows', () => expect(rows).to.have.length(9));
});
