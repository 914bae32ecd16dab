/**
 * One refresh of trusted metadata: a function from the trusted set and a source to the next trusted set. The agent, the
 * command line, the control plane (which admits a publication when a client of the previous state accepts it) and the
 * conformance client all run this one.
 *
 * tuf-js does the work, in a temporary folder of its own that nobody reads afterwards: it writes files in place and
 * unsynced, and an empty `root.json` would end it for good.
 *
 * What a failed refresh leaves (the specification's rule, and what its conformance suite demands): each step that was
 * passed counts, in the order root, timestamp, snapshot, targets, delegated roles; the first failure ends the walk, and
 * every later role stays as it was.
 * 1. New roots are kept although a later step fails: a rotation is how a stolen timestamp or snapshot key is revoked, and
 *    whoever holds that key must not be able to undo it by serving garbage next.
 * 2. A new timestamp is kept although its snapshot fails, as is a snapshot whose targets fail: forgetting them would
 *    let an older state be shown again.
 * 3. `trusted` holds only whole files that were verified. The caller adopts all of it in one transaction, or none.
 * 4. Only `fresh` says that the set belongs together. After a failure it may hold a timestamp that is newer than its
 *    snapshot, so targets are found during a fresh refresh and never looked up in the set.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TargetFile, Updater } from 'tuf-js';
import { BadVersionError, ExpiredMetadataError } from 'tuf-js/dist/error.js';

import { messageOf, RejectedError, TransientError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { ScratchFolder } from '../store/scratch-folder.ts';
import type { MetadataSource } from './source.ts';
import { REPOSITORY_URL, SourceFetcher } from './source-fetcher.ts';
import { expiryOf } from './tuf-metadata.ts';
import { checkMetadata } from './tuf-rules.ts';

/** Verified metadata by file name: `root.json`, `timestamp.json`, `release-app.json`. */
export type TrustedMetadata = ReadonlyMap<string, Uint8Array>;

/** A target that a trusted role lists. `length` is in bytes; `sha256` is always there under Keyturn's own rules. */
export type TrustedTarget = {
  readonly path: string;
  readonly length: number;
  readonly sha256: string | undefined;
  readonly hashes: { readonly [algorithm: string]: string };
  readonly custom: { readonly [member: string]: unknown };
};

export type RefreshRequest = {
  readonly trusted: TrustedMetadata;
  readonly source: MetadataSource;
  /** Paths to look for, or only the four top-level roles. */
  readonly targets: readonly string[] | 'top-level';
  /** `keyturn` applies `tuf-rules.ts` to what the source sends; `tuf` takes whatever the specification allows. */
  readonly rules: 'keyturn' | 'tuf';
  /** The instant that expiry is judged by; the clock's by default. */
  readonly now?: Date;
  /**
   * `refused` by default. `told` is for those who sign anew what has run out: what has is named in `expired`, and every
   * other rule holds. A timestamp that has run out is refused all the same: it alone says that the rest is the newest.
   */
  readonly expiry?: 'refused' | 'told';
};

export type RefreshOutcome =
  /** Everything is verified and in force until `freshUntil`. */
  | { readonly kind: 'fresh'; readonly freshUntil: Date }
  /** The source is wrong (`RejectedError`) or out of reach (`TransientError`). */
  | { readonly kind: 'failed'; readonly error: RejectedError | TransientError };

export type RefreshResult = {
  /** What to adopt: as given, save for the files of the steps that were passed. */
  readonly trusted: TrustedMetadata;
  /** Each path asked for, undefined when no role lists it; empty unless the outcome is fresh. */
  readonly targets: ReadonlyMap<string, TrustedTarget | undefined>;
  /** Roles of the walk whose metadata has run out; empty unless the outcome is fresh and expiry is `told`. */
  readonly expired: readonly string[];
  readonly outcome: RefreshOutcome;
};

/** Refreshes once. What the source sends never makes it throw; a full disk or a bug does. */
export async function refreshTrust(request: RefreshRequest): Promise<RefreshResult> {
  const folder = new ScratchFolder('keyturn-trust');
  try {
    for (const [name, bytes] of request.trusted) await folder.write(fileName(name), [bytes]);
    const fetcher = new SourceFetcher(request.source, request.rules);
    const walked = await walk(request, folder.path, fetcher);
    return { ...walked, trusted: readTrusted(folder.path, request.trusted, fetcher.fetched) };
  } finally {
    folder.remove();
  }
}

async function walk(
  request: RefreshRequest,
  folder: string,
  fetcher: SourceFetcher,
): Promise<Omit<RefreshResult, 'trusted'>> {
  const now = request.now ?? new Date();
  try {
    const updater = startUpdater(request, folder, fetcher);
    await updater.refresh();
    const targets = await findTargets(updater, request.targets);
    const expired = expiredRoles(updater, folder, now);
    if (expired.includes('timestamp')) throw new ExpiredMetadataError('Final timestamp.json is expired');
    const freshUntil = expiryOf(readFileSync(join(folder, 'timestamp.json')));
    return { targets, expired, outcome: { kind: 'fresh', freshUntil } };
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return { targets: new Map(), expired: [], outcome: { kind: 'failed', error: fetcher.failure ?? classify(error) } };
  }
}

/** One updater serves one refresh; a second on the same object fails. Nothing is fetched before the root is sound. */
function startUpdater(request: RefreshRequest, folder: string, fetcher: SourceFetcher): Updater {
  const { trusted, rules, expiry } = request;
  const root = trusted.get('root.json');
  if (root === undefined)
    throw new RejectedError('trusted-root-missing', 'failed to refresh trust: there is no root.json');
  if (rules === 'keyturn') checkMetadata('root', root);
  const config = { maxRootRotations: LIMITS.rootRotationCount };
  const updater = new Updater({ metadataDir: folder, metadataBaseUrl: REPOSITORY_URL, fetcher, config });
  const now = expiry === 'told' ? BEFORE_ANY_EXPIRY : request.now;
  if (now !== undefined) trustedSetOf(updater).referenceTime = now;
  return updater;
}

/** Judged by this instant nothing has run out; `expiredRoles` then says what has. */
const BEFORE_ANY_EXPIRY = new Date(0);

type TrustedSet = {
  referenceTime: Date;
  getRole(name: string): { readonly signed: { isExpired(now: Date): boolean } } | undefined;
};

/** tuf-js takes one instant at its start and judges by it; there is no option to pass another than the clock's. */
function trustedSetOf(updater: Updater): TrustedSet {
  const { trustedSet } = updater as unknown as { trustedSet: TrustedSet };
  assert(trustedSet.referenceTime instanceof Date, 'tuf-js keeps its reference time elsewhere');
  assert(typeof trustedSet.getRole === 'function', 'tuf-js keeps its roles elsewhere');
  return trustedSet;
}

/** Of the roles that the walk came by; the folder may hold others, from earlier walks. */
function expiredRoles(updater: Updater, folder: string, now: Date): string[] {
  const walked = trustedSetOf(updater);
  const roles = readdirSync(folder).map((name) => decodeURIComponent(name.replace(/\.json$/, '')));
  return roles.filter((role) => walked.getRole(role)?.signed.isExpired(now)).sort();
}

async function findTargets(updater: Updater, paths: RefreshRequest['targets']): Promise<RefreshResult['targets']> {
  const found = new Map<string, TrustedTarget | undefined>();
  for (const path of paths === 'top-level' ? [] : paths)
    found.set(path, trustedTarget(await updater.getTargetInfo(path)));
  return found;
}

/** tuf-js looks paths up in a plain object: "constructor" would find a function there. */
function trustedTarget(target: TargetFile | undefined): TrustedTarget | undefined {
  if (!(target instanceof TargetFile)) return undefined;
  const { path, length, hashes, custom } = target;
  return { path, length, hashes, sha256: hashes.sha256, custom };
}

function fileName(name: string): string {
  assert.equal(basename(name), name, `"${name}" is no file name`);
  return name;
}

/**
 * What stands in the folder afterwards. Each file must be, byte for byte, one that was trusted before or one that was
 * fetched: on a full disk tuf-js leaves half a file behind.
 */
function readTrusted(folder: string, before: TrustedMetadata, fetched: readonly Buffer[]): TrustedMetadata {
  const after = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    const known = before.get(name);
    const isWhole = (known !== undefined && bytes.equals(known)) || fetched.some((whole) => whole.equals(bytes));
    if (!isWhole)
      throw new TransientError(`failed to refresh trust: "${name}" is not what was fetched; is the disk full?`);
    after.set(name, bytes);
  }
  return after;
}

function classify(error: unknown): RejectedError | TransientError {
  if (error instanceof RejectedError || error instanceof TransientError) return error;
  const message = `failed to refresh trust: ${messageOf(error)}`;
  const expired = EXPIRED_TEXT.exec(message)?.groups?.role;
  if (expired !== undefined) {
    const hint = expired === 'timestamp' ? FROZEN_HINT : EXPIRED_HINT;
    return new RejectedError('metadata-expired', message, { cause: error, hint });
  }
  if (error instanceof BadVersionError)
    return new RejectedError('metadata-version-unexpected', message, { cause: error });
  // Signatures, digests, shapes: tuf-js tells them apart by its text alone.
  return new RejectedError('metadata-not-trusted', message, { cause: error });
}

/** So tuf-js ends when something has run out: but for root and timestamp, its error reaches us as text alone. */
const EXPIRED_TEXT = /(?<role>[^\s/]+)\.json is expired$/;

const FROZEN_HINT =
  'the control plane renews the timestamp by itself: see that it runs, and compare its clock with the one of this machine';

const EXPIRED_HINT =
  'where the keys are, `keyturn doctor` says what has expired and which command renews it; then try this again';
