/** Five fields of cron in UTC, as a question about a minute. */
import { expect } from 'chai';
import { getTasks } from 'node-cron';
import { minuteOf, parseSchedule } from '../../../host-agent/health/cron-schedule.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

/** Schedule, a minute of it, and one that is not. */
const SCHEDULES: readonly (readonly [string, string, string])[] = [
  ['* * * * *', '2026-11-23T03:10', '-'],
  ['*/10 * * * *', '2026-11-23T03:10', '2026-11-23T03:11'],
  ['0 3 * * 1', '2026-11-23T03:00', '2026-11-24T03:00'],
  ['0 3 * * 0', '2026-11-22T03:00', '2026-11-23T03:00'],
  ['0 3 * * 7', '2026-11-22T03:00', '2026-11-23T03:00'],
  ['15,45 0-6/2 * * *', '2026-11-23T04:45', '2026-11-23T05:45'],
  ['0 0 29 2 *', '2028-02-29T00:00', '2027-03-01T00:00'],
  // All fields have to match: the first of the month, and a Monday.
  ['0 0 1 * 1', '2027-02-01T00:00', '2026-12-01T00:00'],
  // No summer time: UTC has none.
  ['30 2 * * *', '2026-03-29T02:30', '2026-03-29T03:30'],
];

describe('a schedule', () => {
  for (const [text, yes, no] of SCHEDULES) {
    it(`"${text}" has the minute ${yes} and not ${no}`, () => {
      const isDue = parseSchedule(text);
      expect(isDue(Date.parse(`${yes}Z`))).to.equal(true);
      if (no !== '-') expect(isDue(Date.parse(`${no}Z`))).to.equal(false);
    });
  }

  const BAD = [
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '*/0 * * * *',
    '0 0 31 2 *',
    'a b c d e',
    '@daily',
  ];
  for (const text of BAD) {
    it(`is refused when it reads "${text}"`, () => {
      expect(codeThrownBy(() => parseSchedule(text))).to.equal('schedule-malformed');
    });
  }

  it('leaves no timer and no task behind', () => {
    parseSchedule('*/5 * * * *');
    expect(getTasks().size).to.equal(0);
  });

  it('knows when the minute began', () => {
    expect(new Date(minuteOf(Date.parse('2026-11-23T03:10:59.999Z'))).toISOString()).to.equal(
      '2026-11-23T03:10:00.000Z',
    );
  });
});
