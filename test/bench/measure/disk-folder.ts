/** Where a benchmark writes: on a disk, because most of what it measures ends there. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { REPOSITORY } from '../keyturn/programs.ts';
import { diskOf } from './machine.ts';

/** `/var/tmp` lasts and is a disk; where it is not, the folder beside the repository. */
export function diskFolder(): string {
  const isMemory = diskOf('/var/tmp', readFileSync('/proc/self/mounts', 'utf8')).startsWith('tmpfs');
  return isMemory ? dirname(REPOSITORY) : '/var/tmp';
}
