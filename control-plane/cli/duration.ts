import { UsageError } from '../../shared/service/failure.ts';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `90s`, `10m`, `8h` or `7d`, in milliseconds. Errors: `UsageError`. */
export function durationParser(option: string): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
    const unitMs = UNITS_MS[unit];
    if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs;
    throw new UsageError(`${option} "${text}": expected a duration such as 90s, 10m, 8h or 7d`);
  };
}

/** Reads an instant, in milliseconds since 1970. Errors: `UsageError`. */
export function instantParser(option: string): (text: string) => number {
  return (text) => {
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isFinite(ms)) return ms;
    throw new UsageError(`${option} "${text}": expected an instant in UTC, such as 2026-11-22T14:00Z`);
  };
}
