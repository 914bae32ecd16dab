/** Real mounts for tests of full, read-only and foreign file systems. They need root; `canMount` says whether this is. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let answer: boolean | undefined;

/** Found out by mounting once. */
export function canMount(): boolean {
  answer ??= tryToMount();
  return answer;
}

/** Mounts a tmpfs of `options` (such as `size=1m`) on `path` while `work` runs, and unmounts whatever happens. */
export async function withTmpfs(path: string, options: string, work: () => void | Promise<void>): Promise<void> {
  mount(['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
  try {
    await work();
  } finally {
    unmount(path);
  }
}

/** Makes `path` read-only while `work` runs. */
export async function withReadOnly(path: string, work: () => void | Promise<void>): Promise<void> {
  mount(['--bind', path, path]);
  try {
    mount(['-o', 'remount,bind,ro', path]);
    await work();
  } finally {
    unmount(path);
  }
}

function tryToMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-mount-'));
  try {
    mount(['-t', 'tmpfs', 'tmpfs', folder]);
    unmount(folder);
    return true;
  } catch {
    return false; // not root, or a container that may not mount
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mount(argv: readonly string[]): void {
  execFileSync('mount', argv, { stdio: 'pipe' });
}

function unmount(path: string): void {
  execFileSync('umount', [path], { stdio: 'pipe' });
}
