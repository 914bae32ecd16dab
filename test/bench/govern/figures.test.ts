import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { measureFigures } from '../run/measure-figures.ts';
import { Bench } from './bench.ts';
import { GOVERN_FIGURES } from './figures.ts';

describe('the figures of bench govern', () => {
  it('are all there, one module each', () => {
    const modules = readdirSync(join(import.meta.dirname, 'figures'));
    expect(GOVERN_FIGURES).to.have.length(7);
    expect(modules.map((file) => file.replace(/\.ts$/, '')).sort()).to.deep.equal(
      GOVERN_FIGURES.map(({ name }) => name).sort(),
    );
  });

  it('have names, titles and targets of their own', () => {
    expect(new Set(GOVERN_FIGURES.map(({ name }) => name)).size).to.equal(GOVERN_FIGURES.length);
    expect(new Set(GOVERN_FIGURES.map(({ title }) => title)).size).to.equal(GOVERN_FIGURES.length);
    expect(GOVERN_FIGURES.every(({ target }) => target.value > 0)).to.equal(true);
  });

  it('are each measured in a quick run, both sides of a ratio by as many readings', async () => {
    await using bench = new Bench({ isQuick: true, say: () => undefined });
    const { results, broken } = await measureFigures(GOVERN_FIGURES, { bench, say: () => undefined });
    expect(broken).to.deep.equal([]);
    const { readings } = bench.scale;
    expect(results.map(({ value }) => value !== null && value > 0)).to.deep.equal(GOVERN_FIGURES.map(() => true));
    expect(results.flatMap((result) => (result.value === null ? [] : result.sides.map((side) => side.readings.length))))
      .to.include(readings)
      .and.satisfy((counts: number[]) => counts.every((count) => count === readings));
  });
});
