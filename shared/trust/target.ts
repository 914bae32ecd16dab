/** A target's bytes against what a trusted role says of them. */
import { createHash } from 'node:crypto';

import { RejectedError } from '../errors.ts';
import type { TrustedTarget } from './tuf-refresh.ts';

/** Digests that count; weaker ones are refused rather than skipped. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];

/** Checks length and every digest. Errors: `target-differs`, `hash-algorithm-unexpected`, `sha256-missing`. */
export function checkTargetBytes(target: TrustedTarget, bytes: Uint8Array): void {
  if (bytes.length !== target.length) {
    throw new RejectedError(
      'target-differs',
      `failed to verify "${target.path}": expected ${target.length} bytes, got ${bytes.length}`,
    );
  }
  const hashes = Object.entries(target.hashes);
  if (hashes.length === 0)
    throw new RejectedError('sha256-missing', `failed to verify "${target.path}": it has no digest`);
  for (const [algorithm, expected] of hashes) checkDigest(target.path, bytes, { algorithm, expected });
}

/** True when the bytes are what a trusted role lists: as `checkTargetBytes`, as an answer. */
export function isTarget(target: TrustedTarget, bytes: Uint8Array): boolean {
  try {
    checkTargetBytes(target, bytes);
    return true;
  } catch (error) {
    if (error instanceof RejectedError) return false;
    throw error;
  }
}

/** The path in a repository with consistent snapshots: the file's name carries its digest. */
export function repositoryPath(target: TrustedTarget): string {
  const digest = target.sha256 ?? Object.values(target.hashes)[0] ?? '';
  const slash = target.path.lastIndexOf('/') + 1;
  return `${target.path.slice(0, slash)}${digest}.${target.path.slice(slash)}`;
}

function checkDigest(
  path: string,
  bytes: Uint8Array,
  { algorithm, expected }: { algorithm: string; expected: string },
): void {
  if (!ALGORITHMS.includes(algorithm)) {
    throw new RejectedError(
      'hash-algorithm-unexpected',
      `failed to verify "${path}": unknown algorithm "${algorithm}"`,
    );
  }
  const actual = createHash(algorithm).update(bytes).digest('hex');
  if (actual === expected) return;
  throw new RejectedError(
    'target-differs',
    `failed to verify "${path}": expected ${algorithm} ${expected}, got ${actual}`,
  );
}
