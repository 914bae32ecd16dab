/** One line of progress with its rate, overwritten in place; only on a terminal, at most ten times a second. */
export interface ProgressLine {
  update(progress: { doneBytes: number; totalBytes: number }): void;
  end(): void;
}

const EVERY_MS = 100;
const MEBIBYTE = 1024 * 1024;

export function progressLine(
  stream: NodeJS.WriteStream,
  { label, isQuiet }: { label: string; isQuiet: boolean },
): ProgressLine {
  if (isQuiet || !stream.isTTY) return { update: () => {}, end: () => {} };
  const startedAt = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    update: ({ doneBytes, totalBytes }) => {
      const now = performance.now();
      if (now - shownAt < EVERY_MS && doneBytes < totalBytes) return;
      shownAt = now;
      const rate = doneBytes / MEBIBYTE / Math.max(0.001, (now - startedAt) / 1000);
      const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
      stream.write(
        `\r\u001b[2K${label} ${percent}%  ${(doneBytes / MEBIBYTE).toFixed(1)} of ${(totalBytes / MEBIBYTE).toFixed(1)} MiB  ${rate.toFixed(1)} MiB/s`,
      );
    },
    end: () => stream.write('\r\u001b[2K'),
  };
}
