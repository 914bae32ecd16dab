/** Certificates and metadata end at an instant: how soon, and whether that is a reason to act. */
import type { Diagnosis } from './examination.ts';

/** From this part of its life on something should be renewed. */
const LAST_PART = 1 / 4;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface Life {
  /** What it is, such as `certificate of the viewer`. */
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** How long it lives from its beginning to its end, in milliseconds. */
  readonly lifeMs: number;
  readonly now: number;
  readonly mend?: string | undefined;
}

/** Trouble once it has expired, a warning in the last quarter of its life. */
export function diagnoseLife({ what, expiresAt, lifeMs, now, mend }: Life): Diagnosis {
  const restMs = expiresAt - now;
  const until = instantText(expiresAt);
  const mending = mend === undefined ? {} : { mend };
  if (restMs <= 0)
    return { level: 'trouble', statement: `${what}: expired ${durationText(-restMs)} ago, at ${until}`, ...mending };
  if (restMs <= lifeMs * LAST_PART)
    return { level: 'warning', statement: `${what}: expires in ${durationText(restMs)}, at ${until}`, ...mending };
  return { level: 'ok', statement: `${what}: until ${until}, ${durationText(restMs)} from now` };
}

/** ISO 8601 in whole seconds. */
export function instantText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** In the largest unit of which there are two, rounded down. */
export function durationText(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`;
  if (ms >= 2 * HOUR_MS) return `${Math.floor(ms / HOUR_MS)} hours`;
  if (ms >= 2 * MINUTE_MS) return `${Math.floor(ms / MINUTE_MS)} minutes`;
  return `${Math.floor(ms / 1000)} seconds`;
}
