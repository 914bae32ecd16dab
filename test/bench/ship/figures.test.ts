import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SHIP_FIGURES } from './figures.ts';

describe('the figures of bench ship', () => {
  it('are all there, one module each', () => {
    const modules = readdirSync(join(import.meta.dirname, 'figures'));
    expect(SHIP_FIGURES).to.have.length(22);
    expect(modules.map((file) => file.replace(/\.ts$/, '')).sort()).to.deep.equal(
      SHIP_FIGURES.map(({ name }) => name).sort(),
    );
  });

  it('have names, titles and targets of their own', () => {
    expect(new Set(SHIP_FIGURES.map(({ name }) => name)).size).to.equal(SHIP_FIGURES.length);
    expect(new Set(SHIP_FIGURES.map(({ title }) => title)).size).to.equal(SHIP_FIGURES.length);
    expect(SHIP_FIGURES.every(({ target }) => target.value > 0)).to.equal(true);
  });
});
