/**
 * Blobs that this host has already: in the agent's cache, and as files of installations beside the new one.
 *
 * It only saves traffic: whatever cannot be read or has another content is passed over, and then fetched. A blob is
 * taken only when its copy has its digest, so nobody who can write to an older installation can change this one.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { DEPLOY_MANIFEST_NAME } from '../../shared/release/path-rules.ts';
import { copyBlob } from '../../shared/store/blob-file.ts';
import { diskHint } from '../../shared/store/disk-hints.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { hashFile } from '../../shared/store/tree-reader.ts';
import type { InstallContext } from './install-context.ts';
import { KEYTURN_FOLDER } from './places.ts';
import type { MissingBlobs } from './receive.ts';
import { contentFolder } from './staging.ts';

/** Copies what it finds into the run's content folder and takes it out of `missing`. Errors: a full disk; the signal. */
export async function copyLocalBlobs(context: InstallContext, missing: MissingBlobs): Promise<void> {
  await copyFromCache(context, missing);
  for (const installation of olderInstallations(context)) {
    if (missing.size === 0) return;
    await copyFromInstallation(installation, { context, missing });
  }
}

async function copyFromCache(context: InstallContext, missing: MissingBlobs): Promise<void> {
  for (const [digest, size] of [...missing]) {
    const path = join(context.blobCache, digest);
    if (sizeOfFile(path) === size) await take(path, { context, missing, digest });
  }
}

/** Folders beside the new one that Keyturn has installed or that the plan preserves. */
function olderInstallations({ places, release }: InstallContext): string[] {
  const preserved = new Set(release.plan.install.preserve);
  return namesIn(places.installRoot)
    .filter((name) => name !== KEYTURN_FOLDER)
    .map((name) => ({ name, path: join(places.installRoot, name) }))
    .filter(({ path }) => path !== places.installPath && standingAt(path)?.isDirectory())
    .filter(({ name, path }) => preserved.has(name) || sizeOfFile(join(path, DEPLOY_MANIFEST_NAME)) !== undefined)
    .map(({ path }) => path);
}

async function copyFromInstallation(
  installation: string,
  { context, missing }: { context: InstallContext; missing: MissingBlobs },
): Promise<void> {
  const sizes = new Set(missing.values());
  for (const { path, size } of filesBelow(installation)) {
    if (missing.size === 0) return;
    if (!sizes.has(size)) continue;
    const digest = await digestOf(path, context.signal);
    if (digest !== undefined && missing.has(digest)) await take(path, { context, missing, digest });
  }
}

async function take(
  path: string,
  { context, missing, digest }: { context: InstallContext; missing: MissingBlobs; digest: string },
): Promise<void> {
  context.signal.throwIfAborted();
  try {
    if (!(await copyBlob(path, { folder: contentFolder(context.places), digest }))) return;
  } catch (error) {
    // A disk that is full here is full for the source's bytes as well; a file that cannot be read is passed over.
    if (!(error instanceof TransientError) || isStagingAtFault(error)) throw error;
    return;
  }
  missing.delete(digest);
  context.testOnlyAfterEffect?.('blob-copied');
}

function isStagingAtFault(error: TransientError): boolean {
  return diskHint(error) !== undefined;
}

async function digestOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await hashFile(path, { signal });
  } catch (error) {
    if (error instanceof TransientError) return undefined; // it vanished, changes, or is closed to the agent
    throw error;
  }
}

function* filesBelow(folder: string): Iterable<{ path: string; size: number }> {
  const folders = [folder];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const name of namesIn(next)) {
      if (++seen > LIMITS.treeEntryCount) return;
      const path = join(next, name);
      const stat = standingAt(path);
      if (stat?.isDirectory()) folders.push(path);
      if (stat?.isFile() && stat.size > 0n) yield { path, size: Number(stat.size) };
    }
  }
}

function sizeOfFile(path: string): number | undefined {
  const stat = standingAt(path);
  return stat?.isFile() ? Number(stat.size) : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there, or closed to the agent: it has nothing for us
  }
}
