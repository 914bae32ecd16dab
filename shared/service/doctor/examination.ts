/**
 * What is wrong here: examinations that look and change nothing, all at once, each with a bounded time. One that cannot come to
 * an end, or cannot even begin, is itself a trouble and never silence.
 */
import { messageOf, RejectedError, TransientError } from '../../errors.ts';
import { type Clock, systemClock } from '../../time/clock.ts';

export type Level = 'ok' | 'warning' | 'trouble';

/** One thing that was found. */
export interface Diagnosis {
  readonly level: Level;
  /** One line, with what was looked at and what was there. */
  readonly statement: string;
  /** A command that mends it, to be typed as it stands but for words in capitals. */
  readonly mend?: string;
}

/** Looks at one thing. `signal` is aborted when the time is up: what is open is closed then. */
export type Examine<Context> = (
  context: Context,
  signal: AbortSignal,
) => readonly Diagnosis[] | Promise<readonly Diagnosis[]>;

export interface Examination<Context> {
  readonly name: string;
  /** Its code, which is loaded before its time begins. */
  readonly load: () => Promise<Examine<Context>>;
}

/** An examination that came to an end. */
export interface Examined {
  readonly name: string;
  readonly diagnoses: readonly Diagnosis[];
}

/** How long an examination may take: patience, not a measure of what is looked at. */
export const EXAMINATION_MS = 2_000;

/** All of them beside each other, in the order given. Never rejects. */
export async function examineAll<Context>(
  examinations: readonly Examination<Context>[],
  context: Context,
  { limitMs = EXAMINATION_MS, clock = systemClock }: { readonly limitMs?: number; readonly clock?: Clock } = {},
): Promise<Examined[]> {
  return Promise.all(
    examinations.map(async ({ name, load }) => {
      try {
        const examine = await load();
        return { name, diagnoses: await bounded((signal) => examine(context, signal), { limitMs, clock }) };
      } catch (error) {
        return { name, diagnoses: [ofError(error)] };
      }
    }),
  );
}

export function countOf(examined: readonly Examined[], level: Level): number {
  return examined.flatMap(({ diagnoses }) => diagnoses).filter((diagnosis) => diagnosis.level === level).length;
}

/** What an error says, as a trouble. */
export function ofError(error: unknown): Diagnosis {
  const isOurs = error instanceof RejectedError || error instanceof TransientError;
  const hint = isOurs && error.hint !== undefined ? ` (${error.hint})` : '';
  return { level: 'trouble', statement: `${messageOf(error)}${hint}` };
}

async function bounded(
  examine: (signal: AbortSignal) => ReturnType<Examine<unknown>>,
  { limitMs, clock }: { readonly limitMs: number; readonly clock: Clock },
): Promise<readonly Diagnosis[]> {
  const late = new AbortController();
  const timeIsUp = new Promise<readonly Diagnosis[]>((resolve) => {
    late.signal.addEventListener('abort', () =>
      resolve([{ level: 'trouble', statement: `not examined to the end within ${limitMs} ms` }]),
    );
  });
  const timer = clock.setTimer(limitMs, () => late.abort());
  try {
    return await Promise.race([(async () => examine(late.signal))(), timeIsUp]);
  } finally {
    timer.cancel();
  }
}
