/**
 * What this host has already of a release: in the agent's cache, and in installations beside the new one. It only saves
 * traffic: whatever cannot be read or has another content is passed over, and then fetched.
 *
 * 1. A blob is taken only when its copy has its digest, so nobody who can write to an older installation can change this
 *    one (P1).
 * 2. An old file is leaned on only where Keyturn installed it and it has not changed since: what is in it is no news to the
 *    control plane. What people wrote into one stays unknown there: a digest could be guessed at, and so could chunks, by
 *    lists made up to see which of them this host does not ask for (P7).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../shared/digest.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type ManifestFile, manifestFiles } from '../../shared/release/manifest.ts';
import type { BlobCopy } from '../../shared/store/copy-blob.ts';
import { doDiskJob } from '../../shared/store/disk-threads/disk-threads.ts';
import { forEachInParallel } from '../../shared/store/in-parallel.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { deployedFiles } from './deploy-manifest.ts';
import type { InstallContext } from './install-context.ts';
import type { MissingBlobs } from './missing-blobs.ts';
import { KEYTURN_FOLDER } from './places.ts';
import { contentFolder } from './staging.ts';

/** A file of an older installation that stands where a missing one will stand. */
export interface OldCopy {
  readonly path: string;
  readonly size: number;
  /** What Keyturn installed there. */
  readonly installed: Sha256;
}

export type OldCopies = ReadonlyMap<Sha256, OldCopy>;

/** Files copied by one job: enough to be worth a message to a thread, few enough to stop between two. */
const COPIES_AT_ONCE = 128;
/** Jobs under way: one for each thread, and one that waits behind it. */
const COPYING_AT_ONCE = 4;

/**
 * Copies what it finds into the run's content folder and takes it out of `missing`; gives the old copies of what is
 * still missing. Errors: `TransientError` of a full disk; the signal's reason.
 */
export async function takeOldCopies(context: InstallContext, missing: MissingBlobs): Promise<OldCopies> {
  const installations = olderInstallations(context);
  await copyAll(context, missing, cached(context, missing));
  for (const { path, files } of installations) await copyAll(context, missing, listed(path, { files, missing }));
  for (const { path, files } of installations) {
    if (!files || files.size === 0) await copyAll(context, missing, await alike(path, { context, missing }));
  }
  return besides(context, { missing, installations });
}

interface OlderInstallation {
  readonly path: string;
  /** Digests by path, as Keyturn installed them; undefined where it did not. */
  readonly files: ReadonlyMap<string, Sha256> | undefined;
}

async function copyAll(context: InstallContext, missing: MissingBlobs, copies: readonly BlobCopy[]): Promise<void> {
  const folder = contentFolder(context.places);
  const wanted = copies.filter(({ sha256 }) => missing.has(sha256));
  const batches = Array.from({ length: Math.ceil(wanted.length / COPIES_AT_ONCE) }, (_, index) =>
    wanted.slice(index * COPIES_AT_ONCE, (index + 1) * COPIES_AT_ONCE),
  );
  const cost = { files: wanted.length, bytes: wanted.reduce((sum, { size }) => sum + size, 0) };
  await forEachInParallel(batches, { width: COPYING_AT_ONCE, signal: context.signal }, async (batch) => {
    const outcomes = await doDiskJob('copy-blobs', { copies: batch, folder }, { ...cost, signal: context.signal });
    for (const [index, { sha256 }] of batch.entries()) {
      if (outcomes[index] !== 'copied') continue;
      missing.delete(sha256);
      context.testOnlyAfterEffect?.('blob-copied');
    }
  });
}

function cached({ blobCache }: InstallContext, missing: MissingBlobs): BlobCopy[] {
  const names = new Set(namesIn(blobCache));
  return [...missing]
    .filter(([sha256]) => names.has(sha256))
    .map(([sha256, size]) => ({ from: join(blobCache, sha256), sha256, size }));
}

/** By the list that Keyturn left in the installation: nothing has to be read to know what to copy. */
function listed(
  installation: string,
  { files, missing }: { files: OlderInstallation['files']; missing: MissingBlobs },
) {
  const copies = new Map<Sha256, BlobCopy>();
  for (const [path, sha256] of files ?? []) {
    const size = missing.get(sha256);
    if (size !== undefined) copies.set(sha256, { from: join(installation, path), sha256, size });
  }
  return [...copies.values()];
}

/** By size, then by content: an installation without a list has to be read. */
async function alike(
  installation: string,
  { context, missing }: { context: InstallContext; missing: MissingBlobs },
): Promise<BlobCopy[]> {
  const sizes = new Set(missing.values());
  const candidates = [...filesBelow(installation)].filter(({ size }) => sizes.has(size));
  const paths = candidates.map(({ path }) => path);
  const cost = { files: paths.length, bytes: candidates.reduce((sum, { size }) => sum + size, 0) };
  const digests = await doDiskJob('hash-files', { paths }, { ...cost, signal: context.signal });
  return candidates.flatMap(({ path, size }, index): BlobCopy[] => {
    const sha256 = digests[index];
    return sha256 === undefined ? [] : [{ from: path, sha256, size }];
  });
}

function besides(
  context: InstallContext,
  { missing, installations }: { missing: MissingBlobs; installations: readonly OlderInstallation[] },
): OldCopies {
  const copies = new Map<Sha256, OldCopy>();
  if (missing.size === 0) return copies;
  for (const file of manifestFiles(context.manifest)) {
    const copy = missing.has(file.sha256) ? oldCopyOf(file, installations) : undefined;
    if (copy) copies.set(file.sha256, copy);
  }
  return copies;
}

function oldCopyOf({ path }: ManifestFile, installations: readonly OlderInstallation[]): OldCopy | undefined {
  for (const installation of installations) {
    const there = join(installation.path, path);
    const installed = installation.files?.get(path);
    if (installed === undefined) continue;
    const stat = standingOrNothing(there);
    if (stat?.isFile() && stat.size > 0n) {
      return { path: there, size: Number(stat.size), installed };
    }
  }
  return undefined;
}

/** Folders beside the new one that Keyturn has installed or that the plan preserves. */
function olderInstallations({ places, release }: InstallContext): OlderInstallation[] {
  const preserved = new Set(release.plan.install.preserve);
  return namesIn(places.installRoot).flatMap((name): OlderInstallation[] => {
    const path = join(places.installRoot, name);
    if (name === KEYTURN_FOLDER || path === places.installPath || !standingAt(path)?.isDirectory()) return [];
    const files = deployedFiles(path);
    return preserved.has(name) || files !== undefined ? [{ path, files }] : [];
  });
}

function* filesBelow(folder: string): Iterable<{ path: string; size: number }> {
  const folders = [folder];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const name of namesIn(next)) {
      if (++seen > LIMITS.treeEntryCount) return;
      const path = join(next, name);
      const stat = standingOrNothing(path);
      if (stat?.isDirectory()) folders.push(path);
      if (stat?.isFile() && stat.size > 0n) yield { path, size: Number(stat.size) };
    }
  }
}

function standingOrNothing(path: string) {
  try {
    return standingAt(path);
  } catch {
    return undefined; // closed to the agent, or a file stands where a folder will: it has nothing for us
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there, or closed to the agent: it has nothing for us
  }
}
