import { TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Clock } from '../../shared/time/clock.ts';

export interface Silence<T> {
  readonly clock: Clock;
  /** Aborted when the reader wants no more. */
  readonly signal: AbortSignal;
  /** A piece without a byte is as good as none. */
  readonly bytesOf: (piece: T) => number;
}

/**
 * The pieces of a call that `open` begins, as long as bytes come. After `LIMITS.streamIdleMs` without one the call is ended with
 * a `TransientError`: whoever sends nothing, or nothing but empty pieces, is asked again, and does not hold its reader. What
 * the reader itself takes for a piece does not count. Errors: those of the call as well.
 */
export async function* untilSilent<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  { clock, signal, bytesOf }: Silence<T>,
): AsyncGenerator<T> {
  const silent = new AbortController();
  const listen = () => clock.setTimer(LIMITS.streamIdleMs, () => silent.abort());
  let timer = listen();
  try {
    for await (const piece of open(AbortSignal.any([signal, silent.signal]))) {
      const isEmpty = bytesOf(piece) === 0;
      if (!isEmpty) timer.cancel();
      yield piece;
      if (!isEmpty) timer = listen();
    }
  } catch (cause) {
    if (!silent.signal.aborted) throw cause;
    throw new TransientError(`failed to read a stream: no byte came for ${LIMITS.streamIdleMs} ms`, { cause });
  } finally {
    timer.cancel();
  }
}
