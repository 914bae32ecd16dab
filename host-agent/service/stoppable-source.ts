import { TransientError } from '../../shared/errors.ts';
import type { TrustSource } from '../../shared/trust/source.ts';

/**
 * The source, but no read outlives `signal`: whoever serves it may keep silent for ever, and a stop does not wait for
 * that. A read that is cut off throws `TransientError`.
 */
export function stoppableSource(source: TrustSource, signal: AbortSignal): TrustSource {
  return {
    fetchMetadata: (name) => untilAborted(source.fetchMetadata(name), signal),
    fetchTarget: (path) => untilAborted(source.fetchTarget(path), signal),
  };
}

async function* untilAborted(pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const read = new AbortController();
  const aborted = rejectionAt(signal, read.signal);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    read.abort();
    // A source that keeps silent does not answer this either; whatever it says later interests nobody.
    iterator.return?.().catch(() => undefined);
  }
}

function rejectionAt(signal: AbortSignal, unless: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cut = () => reject(new TransientError('failed to read from the control plane: the agent stops'));
  if (signal.aborted) cut();
  else signal.addEventListener('abort', cut, { once: true, signal: unless });
  promise.catch(() => undefined); // raced where it matters
  return promise;
}
