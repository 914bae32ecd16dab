/**
 * The shape of Keyturn's own TUF metadata (a narrow profile of TUF 1.0: Ed25519, SHA-256, consistent snapshots, one
 * level of terminating delegations). `tuf-rules.ts` checks it, `tuf-repository.ts` makes it.
 */
import { RejectedError } from '../errors.ts';
import type { TufKey } from './keys.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

export const TOP_LEVEL_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopLevelRole = (typeof TOP_LEVEL_ROLES)[number];

/** The name of the policy among the targets of the trust root. */
export const POLICY_PATH = 'policy.json';

/** The version of the specification that is written; any 1.x is read. */
export const SPEC_VERSION = '1.0.31';

export type TufSignature = { readonly keyid: string; readonly sig: string };
export type TufKeys = { readonly [keyId: string]: TufKey };
export type KeyRule = { readonly keyids: readonly string[]; readonly threshold: number };

type Versioned<Type extends TopLevelRole> = {
  readonly _type: Type;
  readonly spec_version: string;
  readonly version: number;
  /** `YYYY-MM-DDTHH:MM:SSZ` */
  readonly expires: string;
};

export type RootSigned = Versioned<'root'> & {
  readonly consistent_snapshot: true;
  readonly keys: TufKeys;
  readonly roles: { readonly [role in TopLevelRole]: KeyRule };
};

/** What a listing says of one metadata file. `length` is in bytes. */
export type ListedFile = {
  readonly version: number;
  readonly length: number;
  readonly hashes: { readonly sha256: string };
};

export type TimestampSigned = Versioned<'timestamp'> & { readonly meta: { readonly 'snapshot.json': ListedFile } };
export type SnapshotSigned = Versioned<'snapshot'> & { readonly meta: { readonly [fileName: string]: ListedFile } };

/** What a targets role says of one target. `length` is in bytes. */
export type ListedTarget = {
  readonly length: number;
  readonly hashes: { readonly sha256: string };
  readonly custom?: JsonObject;
};

export type Delegation = KeyRule & {
  readonly name: string;
  readonly terminating: true;
  readonly paths: readonly string[];
};

export type TargetsSigned = Versioned<'targets'> & {
  readonly targets: { readonly [path: string]: ListedTarget };
  readonly delegations?: { readonly keys: TufKeys; readonly roles: readonly Delegation[] };
};

export type Signed = RootSigned | TimestampSigned | SnapshotSigned | TargetsSigned;
export type TufMetadata<S extends Signed = Signed> = {
  readonly signatures: readonly TufSignature[];
  readonly signed: S;
};

/** The name of a role's file in the trusted set and in listings. */
export function fileNameOf(role: string): string {
  return `${role}.json`;
}

/** The name of the role that may list releases of `app`. */
export function releaseRoleOf(app: string): string {
  return `release-${app}`;
}

/** The version that trusted metadata carries; for bytes that were verified before. */
export function versionOf(trustedBytes: Uint8Array): number {
  const { version } = signedOf(trustedBytes);
  if (typeof version === 'number') return version;
  throw new RejectedError('metadata-malformed', 'failed to read trusted metadata: it has no version');
}

/** When trusted metadata expires; for bytes that were verified before. */
export function expiryOf(trustedBytes: Uint8Array): Date {
  return new Date(String(signedOf(trustedBytes).expires));
}

/** The digest of each target that trusted metadata lists, by path; empty for what lists none. For bytes that were verified before. */
export function listedDigests(trustedBytes: Uint8Array): Map<string, string> {
  const { targets } = signedOf(trustedBytes);
  const listed = Object.entries(isJsonObject(targets) ? targets : {});
  return new Map(
    listed.flatMap(([path, target]) => {
      const digest = isJsonObject(target) && isJsonObject(target.hashes) ? target.hashes.sha256 : undefined;
      return typeof digest === 'string' ? [[path, digest] as const] : [];
    }),
  );
}

/** True unless the root says that file names carry no versions and digests. Keyturn's own always do. */
export function hasConsistentSnapshots(trustedRoot: Uint8Array): boolean {
  return signedOf(trustedRoot).consistent_snapshot !== false;
}

/** Read as tuf-js read it when it was verified: others may spell JSON in ways that Keyturn's own rules refuse. */
function signedOf(bytes: Uint8Array): JsonObject {
  const metadata: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (isJsonObject(metadata) && isJsonObject(metadata.signed)) return metadata.signed;
  throw new RejectedError('metadata-malformed', 'failed to read trusted metadata: it has no signed part');
}
