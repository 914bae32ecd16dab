/** Room on the file system of a folder. */
import { statfs } from 'node:fs/promises';
import type { Diagnosis } from './examination.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Below this a database or a key file may fail to be written. */
const TROUBLE = { bytes: 64 * MIB, inodes: 256 };
/** Below this the next release may not fit. */
const WARNING = { bytes: GIB, inodes: 10_000 };

export interface FreeSpace {
  readonly bytes: number;
  /** Undefined where the file system counts none. */
  readonly inodes: number | undefined;
}

/** Errors: the system's. */
export async function readFreeSpace(folder: string): Promise<FreeSpace> {
  const { bsize, bavail, files, ffree } = await statfs(folder);
  return { bytes: bsize * bavail, inodes: files > 0 ? ffree : undefined };
}

/** No command makes room: what may go is for its owner to say. */
export function diagnoseFreeSpace(folder: string, { bytes, inodes }: FreeSpace): Diagnosis {
  const isBelow = (least: typeof TROUBLE) => bytes < least.bytes || (inodes ?? Number.POSITIVE_INFINITY) < least.inodes;
  const counted = inodes === undefined ? '' : ` and ${inodes} inodes`;
  const statement = `${folder}: ${sizeText(bytes)}${counted} free`;
  if (isBelow(TROUBLE)) return { level: 'trouble', statement };
  return { level: isBelow(WARNING) ? 'warning' : 'ok', statement };
}

/** With one decimal, in binary units. */
export function sizeText(bytes: number): string {
  const [unit, size] = bytes >= GIB ? ['GiB', GIB] : bytes >= MIB ? ['MiB', MIB] : ['KiB', 1024];
  return `${(Math.floor((bytes / size) * 10) / 10).toFixed(1)} ${unit}`;
}
