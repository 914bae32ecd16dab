import { expect } from 'chai';
import { diagnoseLife, durationText } from '../../../../shared/service/doctor/remaining-life.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const DAY_MS = 24 * 3600 * 1000;

const ROWS: readonly (readonly [string, number, string, string])[] = [
  ['long before its end', 300 * DAY_MS, 'ok', 'root: until 2027-09-18T10:00:00Z, 300 days from now'],
  ['just before the last quarter', 101 * DAY_MS, 'ok', 'root: until 2027-03-03T10:00:00Z, 101 days from now'],
  ['at the last quarter', 100 * DAY_MS, 'warning', 'root: expires in 100 days, at 2027-03-02T10:00:00Z'],
  ['a second before its end', 1000, 'warning', 'root: expires in 1 seconds, at 2026-11-22T10:00:01Z'],
  ['at its end', 0, 'trouble', 'root: expired 0 seconds ago, at 2026-11-22T10:00:00Z'],
  ['long after its end', -3 * DAY_MS, 'trouble', 'root: expired 3 days ago, at 2026-11-19T10:00:00Z'],
];

describe('diagnoseLife', () => {
  it('is tried at six instants at least', () => expect(ROWS).to.have.length.of.at.least(6));
  for (const [when, restMs, level, statement] of ROWS) {
    it(`gives ${level} ${when}, with what mends it only when there is something to mend`, () => {
      const life = { what: 'root', expiresAt: NOW + restMs, lifeMs: 400 * DAY_MS, now: NOW, mend: 'rotate' };
      expect(diagnoseLife(life)).to.deep.equal({ level, statement, ...(level !== 'ok' && { mend: 'rotate' }) });
      expect(diagnoseLife({ ...life, mend: undefined })).to.not.have.property('mend');
    });
  }

  it('tells durations in the largest unit of which there are two', () => {
    const texts = [119_000, 120_000, 7_199_000, 7_200_000, 2 * DAY_MS - 1, 2 * DAY_MS].map(durationText);
    expect(texts).to.deep.equal(['119 seconds', '2 minutes', '119 minutes', '2 hours', '47 hours', '2 days']);
  });
});
