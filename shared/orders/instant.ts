import { z } from 'zod';

/** A point in time as signed documents have it: ISO 8601, UTC, milliseconds. */
export const instantSchema = z.iso.datetime({ precision: 3 });

/** Of a text that `instantSchema` took. */
export function msOf(instant: string): number {
  return Date.parse(instant);
}

export function instantOf(ms: number): string {
  return new Date(ms).toISOString();
}
