import type { Sha256 } from '../../shared/digest.ts';

/** Sizes by digest, of blobs that are not in staging yet. */
export type MissingBlobs = Map<Sha256, number>;
