import { lstatSync, readFileSync } from 'node:fs';
import { systemCodeOf } from '../../shared/errors.ts';
import type { SandboxSpec } from './spec.ts';

/**
 * Sockets of host programs that the payload could reach by their paths, though it is to have no network: neither a
 * network namespace nor a read-only mount keeps anybody from connecting to them. Most stand in `/run`, which is
 * masked; some databases keep theirs beside their data. Not seen are sockets of programs in another network namespace.
 */
export function hostSockets(spec: Pick<SandboxSpec, 'network' | 'readable' | 'writable'>): string[] {
  if (spec.network !== 'none') return [];
  const granted = [...(spec.readable ?? []), ...(spec.writable ?? [])];
  const isGranted = (path: string) => granted.some((folder) => path === folder || path.startsWith(`${folder}/`));
  return boundPaths().filter((path) => !isGranted(path) && isOpenSocket(path));
}

/** Each line of proc(5)'s `net/unix` ends with the path that the socket is bound to, if it has one. */
function boundPaths(): string[] {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return [...new Set(lines.flatMap((line) => /^(?:\S+\s+){7}(\/.*)$/.exec(line)?.[1] ?? []))];
}

/** To write to a socket's file is to connect; the payload's user is nobody's owner or group, unless it is the agent's. */
function isOpenSocket(path: string): boolean {
  try {
    const stat = lstatSync(path);
    return stat.isSocket() && ((stat.mode & 0o002) !== 0 || process.getuid?.() !== 0);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return false; // gone, of another mount namespace, or behind a folder that is closed to the payload as well
  }
}
