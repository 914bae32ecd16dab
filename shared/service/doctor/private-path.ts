/** Files and folders that belong to one user and are closed to all others. */
import { type Stats, statSync } from 'node:fs';
import type { Diagnosis } from './examination.ts';
import { commandLine } from './shell-word.ts';

const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;

export interface ExpectedPrivacy {
  readonly kind: 'file' | 'folder';
  /** How bad it is that others can read it; that they can write to it is always trouble. */
  readonly whenReadable: 'warning' | 'trouble';
}

/** What is wrong with owner and mode of something that is there; nothing on Windows, which has no such bits. */
export function diagnosePrivacy(path: string, { kind, whenReadable }: ExpectedPrivacy): Diagnosis[] {
  if (process.platform === 'win32') return [];
  const facts = statSync(path);
  return [...ownerFaults(path, facts), ...modeFaults(path, facts, { kind, whenReadable })];
}

function ownerFaults(path: string, { uid }: Stats): Diagnosis[] {
  const self = process.geteuid?.();
  if (self === undefined || uid === self) return [];
  const statement = `${path}: expected to belong to user ${self}, who asks, belongs to user ${uid}`;
  return [{ level: 'trouble', statement, mend: commandLine(['chown', '-R', String(self), path]) }];
}

function modeFaults(path: string, { mode }: Stats, { kind, whenReadable }: ExpectedPrivacy): Diagnosis[] {
  if ((mode & OTHERS) === 0) return [];
  const wanted = kind === 'folder' ? '700' : '600';
  const statement = `${path}: expected mode 0${wanted}, got 0${(mode & 0o777).toString(8)}`;
  const level = (mode & OTHERS_WRITE) === 0 ? whenReadable : 'trouble';
  return [{ level, statement, mend: commandLine(['chmod', wanted, path]) }];
}
