/** The five fields of cron, in UTC, as a question about a minute. Nothing here starts a timer: whoever asks has the clock. */
import { createTask, validate } from 'node-cron';
import { RejectedError } from '../../shared/errors.ts';

export const MINUTE_MS = 60_000;

/** Whether the minute that begins then is one of the schedule's. */
export type CronSchedule = (minuteMs: number) => boolean;

/**
 * All fields have to match, also where a day of the month and one of the week are both said. Errors:
 * `RejectedError('schedule-malformed')`.
 */
export function parseSchedule(text: string): CronSchedule {
  if (text.split(' ').length !== 5 || !validate(text)) {
    throw new RejectedError('schedule-malformed', `failed to read schedule "${text}": expected five fields of cron`);
  }
  const task = createTask(text, () => undefined, { timezone: 'Etc/UTC' });
  void task.destroy(); // out of the list that the package keeps; it still answers, and starts nothing
  return (minuteMs) => task.match(new Date(minuteMs));
}

/** When the minute began that `nowMs` is in. */
export function minuteOf(nowMs: number): number {
  return Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
}
