/** What each step of an installation is given. The same context may be given again after a crash (P8). */
import type { Sha256 } from '../../shared/digest.ts';
import type { SignedRelease } from '../../shared/ledger/planned-checks.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { RunPlaces } from '../checks/observe.ts';

export interface InstallContext {
  readonly run: string;
  readonly host: string;
  /** Its signatures are verified (P1); the manifest is the one that its statement names by digest. */
  readonly release: SignedRelease;
  readonly manifest: Manifest;
  readonly manifestDigest: Sha256;
  readonly places: RunPlaces;
  /** A folder of blobs, each named by its SHA-256; it need not exist. Only read. */
  readonly blobCache: string;
  /**
   * Digests of staged files that this process has read from the disk, by `identityOf`; what is in it is not read again
   * before the promotion. G4 reads everything.
   */
  readonly readBefore: Map<string, Sha256>;
  /** ISO 8601, UTC, milliseconds. */
  now(): string;
  /** Aborted when a kill or a stop of the agent arrives; the step then throws the signal's reason. */
  readonly signal: AbortSignal;
  /** Called after each effect on the disk with its name; a test throws from it to stop the step there. */
  readonly testOnlyAfterEffect?: (effect: InstallEffect) => void;
}

/** The effects of the steps, in their order. */
export const INSTALL_EFFECTS = [
  'staging-opened',
  'blob-copied',
  'piece-written',
  'blob-received',
  'tree-removed',
  'tree-written',
  'deploy-manifest-written',
  'tree-promoted',
  'moved-aside',
  'moved-back',
  'aside-deleted',
  'staging-deleted',
  'folders-deleted',
] as const;
export type InstallEffect = (typeof INSTALL_EFFECTS)[number];
