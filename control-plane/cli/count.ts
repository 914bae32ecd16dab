import { UsageError } from '../../shared/service/failure.ts';

/** Reads a whole number from 1 to `most`. Errors: `UsageError`. */
export function countParser(option: string, { most }: { most: number }): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= most) return count;
    throw new UsageError(`${option} "${text}": expected a whole number from 1 to ${most}`);
  };
}
