/**
 * Keeps what V8 compiled of the packaged program from one run to the next, in `$XDG_CACHE_HOME/keyturn` (`~/.cache/keyturn`
 * unless said): without it a command with a connection takes a seventh longer to start. Node's own place for it is the
 * system's temporary folder, where others may have been first; whoever can write there runs code in this program.
 */
import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

/** Never throws: without a place for it, or in one that others can write to, everything is compiled again. */
export function keepCompiledCode(): void {
  const { env } = process;
  const caches = env.XDG_CACHE_HOME || (env.HOME && `${env.HOME}/.cache`);
  // From source, it is compiled by whoever is changing it.
  if (!caches?.startsWith('/') || !import.meta.url.endsWith('.mjs')) return;
  const folder = `${caches}/keyturn`;
  if (isOwn(folder)) enableCompileCache(folder);
}

function isOwn(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    return uid === process.geteuid?.() && (mode & 0o022) === 0;
  } catch {
    return false; // no room, no right, no home: it only saves time
  }
}
