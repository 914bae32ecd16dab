import { expect } from 'chai';
import { type Figure, readingOfSide, sideOf } from '../measure/figure.ts';
import { PeerMissing } from '../peers/packages.ts';
import { assertSame } from '../ship/same-work.ts';
import { measureFigures } from './measure-figures.ts';

const figure = (name: string, measure: Figure<undefined>['measure']): Figure<undefined> => ({
  name,
  title: name,
  unit: 'ms',
  target: { is: 'at-most', value: 10 },
  measure,
});
const reading = (value: number) => async () => readingOfSide(sideOf('side', { unit: 'ms', readings: [value] }));
const measure = (figures: readonly Figure<undefined>[]) =>
  measureFigures(figures, { bench: undefined, say: () => undefined });

describe('measuring figures', () => {
  it('says of each whether it meets its target', async () => {
    const { results, broken } = await measure([figure('met', reading(10)), figure('missed', reading(11))]);
    expect(results.map(({ name, met }) => ({ name, met }))).to.deep.equal([
      { name: 'met', met: true },
      { name: 'missed', met: false },
    ]);
    expect(broken).to.deep.equal([]);
  });

  it('goes on without a figure whose peer is missing, and does not call that broken', async () => {
    const missing = figure('missing', () => Promise.reject(new PeerMissing('missing: nginx')));
    const { results, broken } = await measure([missing, figure('met', reading(1))]);
    expect(results[0]).to.include({ value: null, met: false, reason: 'missing: nginx' });
    expect(results[1]).to.include({ value: 1, met: true });
    expect(broken).to.deep.equal([]);
  });

  it('calls a figure broken whose sides have not done the same work, and gives it no value', async () => {
    const different = figure('different', async () => {
      assertSame('number of tests', 366, 12);
      return reading(1)();
    });
    const { results, broken } = await measure([different]);
    expect(broken).to.deep.equal(['different']);
    expect(results[0]).to.include({ value: null, met: false });
    expect(results[0]?.reason).to.contain('number of tests is 366 with keyturn, 12 with the peer');
  });

  it('measures no further figure once it was told to stop', async () => {
    const stopping = new AbortController();
    const stops = figure('stops', async () => {
      stopping.abort();
      return reading(1)();
    });
    const options = { bench: undefined, say: () => undefined, signal: stopping.signal };
    const { results } = await measureFigures([stops, figure('later', reading(1))], options);
    expect(results.map(({ name }) => name)).to.deep.equal(['stops']);
  });

  it('keeps a long reason on one line that a table can hold', async () => {
    const wordy = figure('wordy', () => Promise.reject(new Error(`first\n${'x'.repeat(5_000)}\nlast`)));
    const [result] = (await measure([wordy])).results;
    expect(result?.reason).to.match(/^first x+ … x+ last$/);
    expect(result?.reason?.length).to.be.below(420);
  });
});
