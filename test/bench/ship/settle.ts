/** Between the sides of a pair: nothing of the one may still be under way when the other begins. */
import { setTimeout as pause } from 'node:timers/promises';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';

/**
 * How long a process is left alone before its memory is read: its start is over then, and collecting garbage has begun.
 * Part of the definition of every memory figure.
 */
export const SETTLE_MS = 6_000;

export function settleMemory(): Promise<void> {
  return pause(SETTLE_MS);
}

/** Writes to disk what the last side has left in the page cache. */
export async function settleDisk(folder: string): Promise<void> {
  await runCommand(['sync', '-f', folder], { env: plainEnvironment(folder), timeoutMs: 10 * 60_000 });
}
