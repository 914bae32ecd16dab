/** Everything on a host that starts programs by itself: systemd units and timers, crontabs. */
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import type { PathBytes, TreeEntry } from '../../shared/release/tree-digest.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { hashFile, readTree } from '../../shared/store/tree-reader.ts';
import { mentions } from './mentions.ts';

export interface Schedules {
  /** `unit:<path>` and `cron:<path>`, with kind, mode and digest of each. */
  readonly facts: ReadonlyMap<string, string>;
  /** Paths of units whose text or link target names one of the paths asked for. */
  readonly unitsNaming: readonly string[];
  readonly cronEntriesNaming: readonly string[];
  /** Places that are closed to the agent: their facts say so, and nothing in them was looked at. */
  readonly unreadable: readonly string[];
}

/** Not `/run/systemd/transient`: those units come and go with logins, and what they run is seen as a process. */
const UNIT_FOLDERS = [
  'etc/systemd/system',
  'etc/systemd/user',
  'run/systemd/system',
  'run/systemd/user',
  'usr/lib/systemd/system',
  'usr/lib/systemd/user',
  'usr/local/lib/systemd/system',
  'usr/local/lib/systemd/user',
];
const USER_UNIT_FOLDER = '.config/systemd/user';
const CRON_PLACES = [
  'etc/crontab',
  'etc/anacrontab',
  'etc/cron.d',
  'etc/cron.hourly',
  'etc/cron.daily',
  'etc/cron.weekly',
  'etc/cron.monthly',
  'var/spool/cron',
];

/** A unit or crontab is text of a few kilobytes; in something larger no mention is looked for, its digest still counts. */
const TEXT_BYTES = 1024 * 1024;
/** A package manager may write a unit at this moment; reading again then finds it at rest. */
const ATTEMPT_COUNT = 3;

/** Errors: `TransientError` when a folder does not hold still, or cannot be read for another reason than its mode. */
export async function readSchedules(options: {
  hostRoot: string;
  naming: readonly string[];
  signal?: AbortSignal | undefined;
}): Promise<Schedules> {
  const { hostRoot } = options;
  const units = [...UNIT_FOLDERS, ...homes(hostRoot).map((home) => `${home}/${USER_UNIT_FOLDER}`)];
  const facts = new Map<string, string>();
  const unreadable: string[] = [];
  const read = (places: readonly string[], kind: string) => readPlaces(places, { ...options, kind, facts, unreadable });
  return {
    unitsNaming: await read(units, 'unit'),
    cronEntriesNaming: await read(CRON_PLACES, 'cron'),
    facts,
    unreadable,
  };
}

interface Reading {
  readonly hostRoot: string;
  readonly naming: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly kind: string;
  readonly facts: Map<string, string>;
  readonly unreadable: string[];
}

/** Returns the paths of entries that name what is looked for. */
async function readPlaces(places: readonly string[], reading: Reading): Promise<string[]> {
  const found: string[] = [];
  for (const place of places) {
    try {
      found.push(...(await readPlace(place, reading)));
    } catch (error) {
      if (!isClosed(error)) throw error;
      reading.facts.set(`${reading.kind}:/${place}`, 'closed to the agent');
      reading.unreadable.push(`/${place}`);
    }
  }
  return found.sort();
}

/** Adds a fact for each entry. */
async function readPlace(place: string, reading: Reading): Promise<string[]> {
  const at = join(reading.hostRoot, place);
  const found: string[] = [];
  for (const entry of await entriesAt(at, reading.signal)) {
    const path = entry.path.length === 0 ? `/${place}` : `/${place}/${pathText(entry.path)}`;
    reading.facts.set(`${reading.kind}:${path}`, factOf(entry));
    if (isNaming(entry, { at, naming: reading.naming })) found.push(path);
  }
  return found;
}

function isClosed(error: unknown): boolean {
  const code = error instanceof TransientError ? systemCodeOf(error.cause) : undefined;
  return code === 'EACCES' || code === 'EPERM';
}

/** Of a folder all entries below it, of a file itself with an empty path, of a link nothing but itself. */
async function entriesAt(path: string, signal: AbortSignal | undefined): Promise<TreeEntry[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stat = standingAt(path);
      if (!stat) return [];
      if (stat.isDirectory()) return await readTree(path, { signal });
      if (!stat.isFile()) return [{ kind: 'special', path: '', what: stat.isSymbolicLink() ? 'link' : 'device' }];
      const mode = Number(stat.mode & 0o7777n);
      return [{ kind: 'file', path: '', mode, size: Number(stat.size), sha256: await hashFile(path, { signal }) }];
    } catch (error) {
      if (!(error instanceof TransientError) || attempt === ATTEMPT_COUNT) throw error;
    }
  }
}

function factOf(entry: TreeEntry): string {
  switch (entry.kind) {
    case 'file':
      return `file ${entry.mode.toString(8)} ${entry.sha256}`;
    case 'symlink':
      return `link ${pathText(entry.target)}`;
    case 'folder':
      return `folder ${entry.mode.toString(8)}`;
    case 'special':
      return entry.what;
  }
}

function isNaming(entry: TreeEntry, { at, naming }: { at: string; naming: readonly string[] }): boolean {
  if (entry.kind === 'symlink') return mentions(Buffer.from(entry.target), naming);
  if (entry.kind !== 'file' || entry.size > TEXT_BYTES) return false;
  const path =
    entry.path.length === 0 ? Buffer.from(at) : Buffer.concat([Buffer.from(`${at}/`), Buffer.from(entry.path)]);
  return mentions(contentAt(path), naming);
}

function contentAt(path: Buffer): Buffer {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw new TransientError(`failed to read "${path}"`, { cause });
  }
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function homes(hostRoot: string): string[] {
  return ['root', ...namesIn(join(hostRoot, 'home')).map((name) => `home/${name}`)];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // no such folder, or homes that are closed to the agent
  }
}

/** A name that is no UTF-8 is told by its bytes, so that two of them never look alike. */
export function pathText(path: PathBytes): string {
  return typeof path === 'string' ? path : `bytes ${Buffer.from(path).toString('hex')}`;
}
