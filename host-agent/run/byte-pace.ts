import type { Clock } from '../../shared/time/clock.ts';

const EVERY_MS = 250;

/**
 * Passes on how many bytes have arrived, at most a few times a second, and the last of them always: whoever watches reads
 * no faster, and each message costs the host, the control plane and every watcher a look into their stores.
 */
export function atBytePace(
  clock: Pick<Clock, 'now'>,
  tell: (doneBytes: number, totalBytes: number) => void,
): (doneBytes: number, totalBytes: number) => void {
  let toldAt: number | undefined;
  return (doneBytes, totalBytes) => {
    const now = clock.now();
    // A clock that was set back must not silence a transfer until it has caught up.
    const isDue = toldAt === undefined || Math.abs(now - toldAt) >= EVERY_MS;
    if (!isDue && doneBytes < totalBytes) return;
    toldAt = now;
    tell(doneBytes, totalBytes);
  };
}
