/**
 * What a commit holds and a release takes: the list that `git archive` would make, computed from the same attributes of
 * the same commit. Contents are taken as they were committed: no filter, line ending or keyword is expanded.
 *
 * 1. `export-ignore` leaves out a file, or a folder with all below it. Attributes come from the commit's own
 *    `.gitattributes` files alone, so that every clone gives the same list.
 * 2. Files, executable files and symbolic links are taken; a submodule is refused, as its content is not in the commit.
 */
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Git } from './git.ts';

export interface CommitEntry {
  readonly path: string;
  readonly kind: 'file' | 'symlink';
  readonly mode: 0o644 | 0o755;
  readonly blob: string;
  readonly size: number;
}

export interface CommitTree {
  /** What the release takes, in git's order. */
  readonly entries: readonly CommitEntry[];
  /** The same and what `export-ignore` leaves out. */
  readonly everything: readonly CommitEntry[];
  /** Paths that ask for `export-subst`. */
  readonly substituted: ReadonlySet<string>;
}

interface ListedObject {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
  readonly path: string;
}

export interface TreeOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Errors: `RejectedError` with `tree-has-submodule`, `path-not-unicode`, `path-control-character`, `file-too-large`,
 * `release-too-large`, `release-empty` or `git-failed`.
 */
export async function listCommit(objects: Git, commit: string, options: TreeOptions = {}): Promise<CommitTree> {
  const listed = await listObjects(objects, commit, options);
  checkNoSubmodule(listed);
  const attributes = await readAttributes(objects, { commit, listed, options });
  const everything = listed.filter(({ mode }) => mode !== '040000').map(entryOf);
  const entries = everything.filter(({ path }) => !isIgnored(path, attributes.ignored));
  checkSizes(entries);
  return { entries, everything, substituted: attributes.substituted };
}

async function listObjects(objects: Git, commit: string, { signal }: TreeOptions): Promise<ListedObject[]> {
  const output = await objects.read(['ls-tree', '-r', '-t', '-z', '-l', '--full-tree', commit], { signal });
  return splitAtNul(output).map((record) => {
    const tab = record.indexOf(0x09);
    const [mode = '', , object = '', size = '-'] = record.subarray(0, tab).toString('latin1').split(/ +/);
    return { mode, object, size: size === '-' ? 0 : Number(size), path: pathText(record.subarray(tab + 1)) };
  });
}

function pathText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const shown = JSON.stringify(bytes.toString('latin1').slice(0, 200));
    throw new RejectedError('path-not-unicode', `failed to accept path ${shown}: it is not UTF-8`, {
      cause,
      hint: 'rename the file',
    });
  }
}

function checkNoSubmodule(listed: readonly ListedObject[]): void {
  const links = listed.filter(({ mode }) => mode === '160000').map(({ path }) => path);
  if (links.length === 0) return;
  throw new RejectedError(
    'tree-has-submodule',
    `failed to build: ${quoted(links)} are submodules, whose content is not in the commit`,
    {
      hint: 'commit the files themselves, or leave the submodule out of the released branch',
    },
  );
}

interface Attributes {
  /** Files, and folders with a slash behind them. */
  readonly ignored: ReadonlySet<string>;
  readonly substituted: ReadonlySet<string>;
}

async function readAttributes(
  objects: Git,
  { commit, listed, options }: { commit: string; listed: readonly ListedObject[]; options: TreeOptions },
): Promise<Attributes> {
  // Attributes are read from the index, which `git archive` fills from the commit as well.
  await objects.read(['read-tree', commit], options);
  const paths = listed.map(({ mode, path }) => (mode === '040000' ? `${path}/` : path));
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''));
  const output = await objects.read(['check-attr', '--cached', '--stdin', '-z', 'export-ignore', 'export-subst'], {
    ...options,
    input,
  });
  const fields = splitAtNul(output).map((field) => field.toString('utf8'));
  const setFor = (attribute: string): Set<string> => {
    const found = new Set<string>();
    for (let at = 0; at + 2 < fields.length; at += 3) {
      if (fields[at + 1] === attribute && fields[at + 2] === 'set') found.add(fields[at] ?? '');
    }
    return found;
  };
  return { ignored: setFor('export-ignore'), substituted: setFor('export-subst') };
}

/** A folder is left out with everything below it. */
function isIgnored(path: string, ignored: ReadonlySet<string>): boolean {
  if (ignored.has(path)) return true;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    if (ignored.has(path.slice(0, at + 1))) return true;
  }
  return false;
}

/** Git keeps one bit of a file's permissions. */
function entryOf({ mode, object, size, path }: ListedObject): CommitEntry {
  const kind = mode === '120000' ? 'symlink' : 'file';
  return { path, kind, mode: mode === '100755' ? 0o755 : 0o644, blob: object, size };
}

function checkSizes(entries: readonly CommitEntry[]): void {
  if (entries.length === 0)
    throw new RejectedError('release-empty', 'failed to build: the commit holds no file that is released');
  for (const { path, kind, size } of entries) {
    const limit = kind === 'symlink' ? LIMITS.pathBytes : LIMITS.fileBytes;
    if (size > limit)
      throw new RejectedError(
        'file-too-large',
        `failed to build: ${JSON.stringify(path)} has ${size} bytes, expected at most ${limit}`,
      );
  }
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > LIMITS.releaseBytes) {
    throw new RejectedError(
      'release-too-large',
      `failed to build: ${total} bytes, expected at most ${LIMITS.releaseBytes}`,
    );
  }
}

function quoted(paths: readonly string[]): string {
  const shown = paths
    .slice(0, 10)
    .map((path) => JSON.stringify(path))
    .join(', ');
  return paths.length > 10 ? `${shown} and ${paths.length - 10} more` : shown;
}

function splitAtNul(output: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let from = 0;
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, from)) {
    records.push(output.subarray(from, end));
    from = end + 1;
  }
  return records;
}
