/**
 * What the carried trust metadata vouches for, judged from one pinned root by the client that hosts use.
 *
 * 1. Only the pinned root counts by itself; those before and after it must be one chain with it.
 * 2. Nothing runs out: the files are judged as of the day on which they were taken along, and what has run out since is said.
 * 3. Every carried file must be one that was used: nothing is carried that was not looked at.
 */
import { RejectedError } from '../errors.ts';
import { memorySource } from '../trust/source.ts';
import { checkTargetBytes } from '../trust/target.ts';
import { fileNameOf, releaseRoleOf } from '../trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata } from '../trust/tuf-refresh.ts';
import { checkMetadata } from '../trust/tuf-rules.ts';
import { checkSignedBy } from '../trust/tuf-signing.ts';
import type { CarriedTrust } from './carried-trust.ts';

export interface TrustQuestion {
  /** The bytes of the pinned `root.json`, of any version. */
  readonly root: Uint8Array;
  /** The bytes that the metadata must vouch for, by the path of the target. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  /** Whose releases `trust.releases` lists. */
  readonly app?: string;
  /** For saying what has run out. */
  readonly nowMs: number;
}

export interface TrustStanding {
  readonly pinnedRootVersion: number;
  /** The version of each carried file, by role. */
  readonly versions: Readonly<Record<string, number>>;
  /** Until when the timestamp counted as the newest. */
  readonly freshUntil: Date;
  /** Roles whose metadata has run out since. */
  readonly expired: readonly string[];
}

/** Judged by this instant nothing has run out. */
const BEFORE_ANY_EXPIRY = new Date(0);

/**
 * Errors: those of `checkMetadata` and `checkTargetBytes`; `root-not-in-chain`, `root-differs`, `root-chain-broken`,
 * `signature-threshold-not-met`, `metadata-not-trusted`, `metadata-version-unexpected`, `metadata-missing`,
 * `metadata-unused`, `target-not-listed`.
 */
export async function verifyTrust(trust: CarriedTrust, question: TrustQuestion): Promise<TrustStanding> {
  const pinnedRootVersion = checkRoots(trust.roots, question.root);
  const files = filesOf(trust, question.app);
  const { trusted, targets, outcome } = await refreshTrust({
    trusted: new Map([[fileNameOf('root'), question.root]]),
    source: memorySource(repositoryOf(trust.roots, files)),
    targets: [...question.targets.keys()],
    rules: 'keyturn',
    now: BEFORE_ANY_EXPIRY,
  });
  if (outcome.kind === 'failed') throw refusalOf(outcome.error);
  for (const [path, bytes] of question.targets) {
    const target = targets.get(path);
    if (!target) throw refused('target-not-listed', `no trusted role lists "${path}"`);
    checkTargetBytes(target, bytes);
  }
  checkUsed(files, trusted); // 3
  const signed = [...files].map(([role, bytes]) => [role, checkMetadata(role, bytes).signed] as const);
  return {
    pinnedRootVersion,
    versions: Object.fromEntries(signed.map(([role, { version }]) => [role, version])),
    freshUntil: outcome.freshUntil,
    expired: signed.filter(([, { expires }]) => Date.parse(expires) <= question.nowMs).map(([role]) => role),
  };
}

/** 1. Gives the version of the pinned one. */
function checkRoots(roots: readonly Uint8Array[], pinned: Uint8Array): number {
  const { version } = checkMetadata('root', pinned).signed;
  const versions = roots.map((root) => checkMetadata('root', root).signed.version);
  for (const [index, root] of roots.entries()) {
    if (versions[index] !== (versions[0] ?? 0) + index)
      throw refused('root-chain-broken', `root ${versions[index]} stands at place ${index + 1}`);
    for (const signer of [root, ...roots.slice(Math.max(0, index - 1), index)]) checkSignedBy(signer, 'root', root);
  }
  const own = roots[versions.indexOf(version)];
  if (!own)
    throw refused('root-not-in-chain', `the pinned root is ${version}, those carried are ${versions.join(', ')}`);
  if (Buffer.compare(own, pinned) !== 0) throw refused('root-differs', `root ${version} is not the one that is pinned`);
  return version;
}

/** By role; the root is the one in force. */
function filesOf({ roots, timestamp, snapshot, targets, releases }: CarriedTrust, app: string | undefined) {
  const files = new Map<string, Uint8Array>([
    ['root', roots.at(-1) ?? Buffer.alloc(0)],
    ['timestamp', timestamp],
    ['snapshot', snapshot],
    ['targets', targets],
  ]);
  if (app !== undefined && releases !== undefined) files.set(releaseRoleOf(app), releases);
  return files;
}

/** What is carried, as a repository has it. Errors: those of `checkMetadata`. Nothing of it is trusted. */
export function carriedRepository(trust: CarriedTrust, app?: string): ReadonlyMap<string, Uint8Array> {
  return repositoryOf(trust.roots, filesOf(trust, app));
}

/** By the names that a repository has them under. */
function repositoryOf(
  roots: readonly Uint8Array[],
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  const named = [...files].map(([role, bytes]): [string, Uint8Array] => {
    const { version } = checkMetadata(role, bytes).signed;
    return [role === 'timestamp' ? fileNameOf(role) : `${version}.${fileNameOf(role)}`, bytes];
  });
  return new Map([...roots.map((root) => rootFile(root)), ...named]);
}

function rootFile(root: Uint8Array): [string, Uint8Array] {
  return [`${checkMetadata('root', root).signed.version}.${fileNameOf('root')}`, root];
}

function checkUsed(files: ReadonlyMap<string, Uint8Array>, trusted: TrustedMetadata): void {
  for (const [role, bytes] of files) {
    const used = trusted.get(fileNameOf(role));
    if (used === undefined || Buffer.compare(used, bytes) !== 0)
      throw refused('metadata-unused', `${fileNameOf(role)} is not one that vouches for anything`);
  }
}

/** There is no other place where a file could be, now or later. */
function refusalOf(error: Error): RejectedError {
  if (error instanceof RejectedError) return error;
  return new RejectedError('metadata-missing', error.message, { cause: error });
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to verify the trust metadata: ${reason}`);
}
