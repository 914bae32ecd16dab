import { UsageError } from '../../shared/service/failure.ts';

/** Reads a whole number from `least` (1 unless said) to `most`. Errors: `UsageError`. */
export function countParser(
  option: string,
  { least = 1, most }: { least?: number; most: number },
): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (count >= least && count <= most) return count;
    throw new UsageError(`${option} "${text}": expected a whole number from ${least} to ${most}`);
  };
}
