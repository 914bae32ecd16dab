import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { hashTree, type TreeReading } from '../../shared/store/tree-reader.ts';
import { LEFT_OUT } from './deploy-manifest.ts';
import type { InstallContext } from './install-context.ts';

/** Hashes the tree at `path` as it stands on disk. Errors: `RejectedError(code)` if it is not the signed one; `hashTree`'s. */
export async function proveTree(
  path: string,
  { context, code }: { context: Pick<InstallContext, 'release' | 'signal'>; code: RejectionCode },
): Promise<TreeReading> {
  const reading = await hashTree(path, { leaveOut: LEFT_OUT, signal: context.signal });
  const expected = context.release.statement.treeDigest;
  if (reading.digest !== expected) {
    throw new RejectedError(code, `failed to prove tree "${path}": expected digest ${expected}, got ${reading.digest}`);
  }
  return reading;
}
