import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { type Manifest, manifestFiles } from '../../shared/release/manifest.ts';
import { doDiskJob } from '../../shared/store/disk-threads/disk-threads.ts';
import type { TreeReading } from '../../shared/store/tree-reader.ts';
import { LEFT_OUT } from './deploy-manifest.ts';
import type { InstallContext } from './install-context.ts';

/** Hashes the tree at `path` as it stands on disk. Errors: `RejectedError(code)` if it is not the signed one; `hashTree`'s. */
export async function proveTree(
  path: string,
  { context, code }: { context: ProvingContext; code: RejectionCode },
): Promise<TreeReading> {
  const { known, manifest, release, signal } = context;
  const cost = costOf(manifest);
  const reading = await doDiskJob('hash-tree', { root: path, leaveOut: LEFT_OUT, known }, { ...cost, signal });
  const expected = release.statement.treeDigest;
  if (reading.digest !== expected) {
    throw new RejectedError(code, `failed to prove tree "${path}": expected digest ${expected}, got ${reading.digest}`);
  }
  return reading;
}

export interface ProvingContext extends Pick<InstallContext, 'release' | 'signal' | 'manifest'> {
  /** Digests by identity of files that need not be read again. */
  readonly known?: ReadonlyMap<string, Sha256>;
}

/** The same before the promotion: what this process has read in staging is not read again. Errors: as `proveTree`. */
export async function proveStaged(path: string, context: InstallContext): Promise<TreeReading> {
  const reading = await proveTree(path, {
    context: { ...context, known: context.readBefore },
    code: 'staged-tree-differs',
  });
  for (const [identity, sha256] of reading.read) context.readBefore.set(identity, sha256);
  return reading;
}

function costOf(manifest: Manifest): { files: number; bytes: number } {
  const files = manifestFiles(manifest);
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}
