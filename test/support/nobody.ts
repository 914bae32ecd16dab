import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** User and group id of nobody, as Linux knows it. */
export const NOBODY = 65534;

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * The command that runs `argv` as nobody; for root alone. A checkout below a folder that others may not enter, as
 * `mktemp -d` makes them, is shown to it read-only in a mount namespace of its own; everything else is as it is.
 */
export function asNobody(argv: readonly string[]): [program: string, ...args: string[]] {
  const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--', ...argv] as const;
  const shown = [CHECKOUT, dirname(process.execPath)].filter((folder) => closedFolderAbove(folder) !== undefined);
  if (shown.length === 0) return [...drop];
  const closed = new Set(shown.map(closedFolderAbove));
  const rights = ['SETUID', 'SETGID', 'SETPCAP'].flatMap((name) => ['--cap-add', `CAP_${name}`]);
  return [
    ...(['bwrap', '--die-with-parent', '--dev-bind', '/', '/'] as const),
    ...[...closed].flatMap((path) => ['--perms', '0755', '--tmpfs', path ?? '/']),
    ...shown.flatMap(showing),
    ...[...rights, '--', ...drop],
  ];
}

/** The topmost folder on the way that others may not enter. */
function closedFolderAbove(folder: string): string | undefined {
  return foldersAbove(folder).find((path) => (statSync(path).mode & 0o001) === 0);
}

function showing(folder: string): string[] {
  const closed = `${closedFolderAbove(folder)}/`;
  const between = foldersAbove(folder).filter((path) => path.startsWith(closed));
  return [...between.flatMap((path) => ['--perms', '0755', '--dir', path]), '--ro-bind', folder, folder];
}

/** Topmost first, without the root. */
function foldersAbove(folder: string): string[] {
  const way: string[] = [];
  for (let path = dirname(folder); path !== '/'; path = dirname(path)) way.unshift(path);
  return way;
}
