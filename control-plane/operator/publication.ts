/** A publication put together: what is published, with what was submitted laid over it. Pure. */
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { PublishedVersions } from '../store/publications.ts';
import { delegatedFiles, type PublishedSet } from './published-set.ts';

export interface Publication {
  readonly versions: Omit<PublishedVersions, 'timestamp'>;
  readonly snapshot: Uint8Array;
  /** Every file of the new state under its versioned name, and the submitted roots on the way to it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The targets roles of the new state, by role name; `targets` among them. */
  readonly targetsRoles: ReadonlyMap<string, Uint8Array>;
}

const FILE_NAME = /^([1-9][0-9]{0,9})\.([a-z][a-z0-9-]*)\.json$/;

/** Errors: `publication-outdated`, `publication-malformed`, `publication-names-timestamp`, and those of the trust rules. */
export function composePublication(
  before: PublishedSet | undefined,
  submitted: ReadonlyMap<string, Uint8Array>,
): Publication {
  const newest = newestVersions(before, submitted);
  const files = new Map([...publishedFiles(before), ...submitted]);
  const { root, snapshot, targets } = newest;
  const snapshotBytes = fileOf(files, `${snapshot}.snapshot.json`);
  const targetsBytes = fileOf(files, `${targets}.targets.json`);
  const delegated = delegatedFiles(targetsBytes, snapshotBytes).map(
    ([name, version]) => [name.slice(0, -'.json'.length), fileOf(files, `${version}.${name}`)] as const,
  );
  return {
    versions: { root, snapshot, targets },
    snapshot: snapshotBytes,
    files,
    targetsRoles: new Map([['targets', targetsBytes] as const, ...delegated]),
  };
}

function newestVersions(
  before: PublishedSet | undefined,
  submitted: ReadonlyMap<string, Uint8Array>,
): Publication['versions'] {
  const newest = { root: 0, snapshot: 0, targets: 0, ...before?.versions };
  for (const [name, bytes] of submitted) {
    const { role, version } = parsedName(name);
    checkVersion(name, { role, version, bytes });
    if (role !== 'root' && role !== 'snapshot' && role !== 'targets') continue;
    if (version <= (before?.versions[role] ?? 0)) throw outdated(name);
    newest[role] = Math.max(newest[role], version);
  }
  for (const role of ['root', 'snapshot', 'targets'] as const) {
    if (newest[role] === 0) throw refused('publication-malformed', `the first publication has no ${role}`);
  }
  return newest;
}

function parsedName(name: string): { role: string; version: number } {
  const [, version, role] = FILE_NAME.exec(name) ?? [];
  if (name === 'timestamp.json' || role === 'timestamp') {
    throw refused('publication-names-timestamp', 'the timestamp is made here');
  }
  if (role === undefined) throw refused('publication-malformed', `"${name}" is no versioned metadata file`);
  return { role, version: Number(version) };
}

function checkVersion(
  name: string,
  { role, version, bytes }: { role: string; version: number; bytes: Uint8Array },
): void {
  const { signed } = checkMetadata(role, bytes);
  if (signed.version !== version) throw refused('publication-malformed', `"${name}" holds version ${signed.version}`);
}

function publishedFiles(before: PublishedSet | undefined): [string, Uint8Array][] {
  return [...(before?.trusted ?? [])].map(([name, bytes]) => {
    if (name === 'timestamp.json') return [name, bytes];
    return [`${checkMetadata(name.slice(0, -'.json'.length), bytes).signed.version}.${name}`, bytes];
  });
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined)
    throw refused('publication-malformed', `it needs "${name}", which was neither submitted nor published`);
  return bytes;
}

function outdated(name: string): RejectedError {
  return refused('publication-outdated', `"${name}" does not follow what is published`);
}

function refused(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(
    code,
    `failed to publish: ${reason}`,
    code === 'publication-outdated' ? { hint: 'fetch what is published and sign again' } : {},
  );
}
