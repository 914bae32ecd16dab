/** What a process holds in memory, as the kernel counts it. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface ProcessMemory {
  readonly rssKiB: number;
  readonly privateDirtyKiB: number;
}

export function memoryOf(pid: number): ProcessMemory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return { rssKiB: fieldOf(rollup, 'Rss'), privateDirtyKiB: fieldOf(rollup, 'Private_Dirty') };
}

/** The most that it ever had resident, or had since `forgetPeak`. */
export function peakKiB(pid: number): number {
  return fieldOf(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM');
}

/** From now on the peak counts from what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Of a line such as `Rss:   58880 kB`. Errors: `Error` when there is no such line. */
export function fieldOf(text: string, name: string): number {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`failed to read "${name}": the kernel does not tell it`);
  return Number(value);
}
