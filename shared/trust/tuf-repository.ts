/**
 * Making TUF metadata: from the previous bytes, a change and keys to new bytes. Nothing is read or written, time is an
 * argument.
 *
 * 1. A new version is always the previous one plus one; what the change does not name stays.
 * 2. Signers may sign one after the other, on machines that never meet (`addMetadataSignature`). A result may therefore
 *    be short of its threshold; `checkSignedBy` says so, and no client accepts it.
 * 3. Everything made here passes the rules that agents apply, or the call throws.
 */
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type PublicKey, publicKeyOfHex, type SigningKey, type TufKey, tufKeyOf } from './keys.ts';
import type { JsonObject } from './strict-json.ts';
import {
  fileNameOf,
  type KeyRule,
  type ListedFile,
  type ListedTarget,
  POLICY_PATH,
  type RootSigned,
  releaseRoleOf,
  type SnapshotSigned,
  SPEC_VERSION,
  type TargetsSigned,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
  type TufKeys,
} from './tuf-metadata.ts';
import { checkMetadata } from './tuf-rules.ts';
import { signMetadata } from './tuf-signing.ts';

/** How the result is to be signed, and until when it is valid. */
export type Signing = { readonly expiresAt: Date; readonly signers: readonly SigningKey[] };

/** Who may sign as a role, and how many of them must. */
export type Keyholders = { readonly keys: readonly PublicKey[]; readonly threshold: number };

/** The keyholders of the delegated role that lists the releases of `app`. */
export type Releaser = Keyholders & { readonly app: string };

/** A target's digest and length in bytes; `custom` is free for the application. */
export type TargetDigest = { readonly length: number; readonly sha256: Sha256; readonly custom?: JsonObject };

export type ReleaseTarget = TargetDigest & { readonly path: string };

/** What changes in the targets role; what is left out stays. */
export type TargetsChange = {
  readonly policy?: TargetDigest;
  /** Added, or replaced when the application has keyholders already. */
  readonly releasers?: readonly Releaser[];
  /** Applications whose keyholders are dismissed: their releases are found no more. */
  readonly removedApps?: readonly string[];
};

/** The first root. Its signers must meet its own root threshold. */
export function createRoot(roles: { readonly [role in TopLevelRole]: Keyholders }, signing: Signing): Buffer {
  return signRoot(1, roles, signing);
}

/** The next root, with some roles' keyholders replaced. Both the old and the new root threshold must sign it. */
export function rotateRoot(
  previous: Uint8Array,
  changes: { readonly [role in TopLevelRole]?: Keyholders },
  signing: Signing,
): Buffer {
  const { signed: old } = checkMetadata('root', previous);
  const kept = (role: TopLevelRole): Keyholders => changes[role] ?? keyholdersOf(old, role);
  const roles = {
    root: kept('root'),
    timestamp: kept('timestamp'),
    snapshot: kept('snapshot'),
    targets: kept('targets'),
  };
  return signRoot(old.version + 1, roles, signing);
}

/** The first targets metadata: the policy, and a terminating delegation for each application. */
export function createTargets(
  content: { readonly policy: TargetDigest; readonly releasers: readonly Releaser[] },
  signing: Signing,
): Buffer {
  return signTargets(1, { [POLICY_PATH]: listedTarget(content.policy) }, content.releasers, signing);
}

/** The next targets metadata. A change of nothing renews the expiry. */
export function changeTargets(previous: Uint8Array, change: TargetsChange, signing: Signing): Buffer {
  const { signed: old } = checkMetadata('targets', previous);
  const releasers = new Map(releasersOf(old).map((releaser) => [releaser.app, releaser]));
  for (const app of change.removedApps ?? []) releasers.delete(app);
  for (const releaser of change.releasers ?? []) releasers.set(releaser.app, releaser);
  const targets = { ...old.targets };
  if (change.policy !== undefined) targets[POLICY_PATH] = listedTarget(change.policy);
  return signTargets(old.version + 1, targets, [...releasers.values()], signing);
}

/**
 * Lists a release in the role of its application; `previous` is undefined for the first. Listing the same bytes again is
 * fine. Errors: `release-differs` when the path stands for other bytes already, `too-many-targets`.
 */
export function addRelease(previous: Uint8Array | undefined, release: ReleaseTarget, signing: Signing): Buffer {
  const role = releaseRoleOf(release.path.split('/')[0] ?? '');
  const old = previous === undefined ? undefined : checkMetadata(role, previous).signed;
  checkUnchanged(old?.targets[release.path], release);
  const targets = { ...old?.targets, [release.path]: listedTarget(release) };
  if (Object.keys(targets).length > LIMITS.targetsPerRoleCount) {
    throw new RejectedError(
      'too-many-targets',
      `failed to list "${release.path}": the role lists ${LIMITS.targetsPerRoleCount} releases already`,
      { hint: 'retire old releases first' },
    );
  }
  return signMetadata(role, { ...common('targets', (old?.version ?? 0) + 1, signing), targets }, signing.signers);
}

/** The first metadata of the role of `app`, which lists nothing: clients refuse a delegation to a role that is not there. */
export function createReleases(app: string, signing: Signing): Buffer {
  return signMetadata(releaseRoleOf(app), { ...common('targets', 1, signing), targets: {} }, signing.signers);
}

/** Takes releases off the list of `app`. A host that installed one keeps it; nobody installs it anew. */
export function removeReleases(
  previous: Uint8Array,
  { app, paths }: { readonly app: string; readonly paths: readonly string[] },
  signing: Signing,
): Buffer {
  const role = releaseRoleOf(app);
  const { signed: old } = checkMetadata(role, previous);
  const targets = Object.fromEntries(Object.entries(old.targets).filter(([path]) => !paths.includes(path)));
  return signMetadata(role, { ...common('targets', old.version + 1, signing), targets }, signing.signers);
}

/**
 * The snapshot of `files`: the bytes of `targets` and of each release role that changed, by role name. Roles listed
 * before stay listed even when nobody delegates to them any more: clients refuse a snapshot that drops a file.
 */
export function createSnapshot(
  previous: Uint8Array | undefined,
  files: ReadonlyMap<string, Uint8Array>,
  signing: Signing,
): Buffer {
  const old = previous === undefined ? undefined : checkMetadata('snapshot', previous).signed;
  const listed = [...files].map(([role, bytes]) => [fileNameOf(role), listedFile(role, bytes)] as const);
  const meta: SnapshotSigned['meta'] = { ...old?.meta, ...Object.fromEntries(listed) };
  return signMetadata('snapshot', { ...common('snapshot', (old?.version ?? 0) + 1, signing), meta }, signing.signers);
}

/** The timestamp that says `snapshot` is the newest. Versions go on counting when the snapshot did not change. */
export function createTimestamp(
  previous: Uint8Array | undefined,
  snapshot: Uint8Array,
  { expiresAt, key }: { readonly expiresAt: Date; readonly key: SigningKey },
): Buffer {
  const version = previous === undefined ? 1 : checkMetadata('timestamp', previous).signed.version + 1;
  const meta = { 'snapshot.json': listedFile('snapshot', snapshot) };
  return signMetadata('timestamp', { ...common('timestamp', version, { expiresAt }), meta }, [key]);
}

/** The keyholders that the targets metadata names, by application. */
export function releasersOf(targets: TargetsSigned): Releaser[] {
  const { keys = {}, roles = [] } = targets.delegations ?? {};
  return roles.map((role) => ({ app: role.name.slice(releaseRoleOf('').length), ...keyholders(role, keys) }));
}

/** The keyholders of one of the four roles. */
export function keyholdersOf(root: RootSigned, role: TopLevelRole): Keyholders {
  return keyholders(root.roles[role], root.keys);
}

function signRoot(version: number, roles: { readonly [role in TopLevelRole]: Keyholders }, signing: Signing): Buffer {
  const holders = TOP_LEVEL_ROLES.map((role) => roles[role]);
  const signed: RootSigned = {
    ...common('root', version, signing),
    consistent_snapshot: true,
    keys: tufKeysOf(holders),
    roles: {
      root: keyRule(roles.root),
      timestamp: keyRule(roles.timestamp),
      snapshot: keyRule(roles.snapshot),
      targets: keyRule(roles.targets),
    },
  };
  return signMetadata('root', signed, signing.signers);
}

function signTargets(
  version: number,
  targets: TargetsSigned['targets'],
  releasers: readonly Releaser[],
  signing: Signing,
): Buffer {
  const roles = releasers.map((releaser) => ({
    name: releaseRoleOf(releaser.app),
    ...keyRule(releaser),
    terminating: true as const,
    paths: [`${releaser.app}/*`],
  }));
  const delegations = { keys: tufKeysOf(releasers), roles };
  return signMetadata('targets', { ...common('targets', version, signing), targets, delegations }, signing.signers);
}

function common<Type extends TopLevelRole>(type: Type, version: number, { expiresAt }: { expiresAt: Date }) {
  // Whole seconds: TUF dates have no fraction.
  const expires = `${expiresAt.toISOString().slice(0, 19)}Z`;
  return { _type: type, spec_version: SPEC_VERSION, version, expires };
}

function keyRule({ keys, threshold }: Keyholders): KeyRule {
  return { keyids: keys.map((key) => key.keyId), threshold };
}

function tufKeysOf(holders: readonly Keyholders[]): { [keyId: string]: TufKey } {
  return Object.fromEntries(holders.flatMap(({ keys }) => keys.map((key) => [key.keyId, tufKeyOf(key)])));
}

function keyholders({ keyids, threshold }: KeyRule, keys: TufKeys): Keyholders {
  const held = keyids.map((keyId) => keys[keyId]).filter((key) => key !== undefined);
  return { keys: held.map((key) => publicKeyOfHex(key.keyval.public)), threshold };
}

function listedTarget({ length, sha256: digest, custom }: TargetDigest): ListedTarget {
  return { length, hashes: { sha256: digest }, ...(custom === undefined ? {} : { custom }) };
}

function listedFile(role: string, bytes: Uint8Array): ListedFile {
  const { version } = checkMetadata(role, bytes).signed;
  return { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

/** A release that was published never changes: hosts and approvals refer to its digest. */
function checkUnchanged(listed: ListedTarget | undefined, release: ReleaseTarget): void {
  if (listed === undefined || listed.hashes.sha256 === release.sha256) return;
  throw new RejectedError(
    'release-differs',
    `failed to list "${release.path}": it stands for ${listed.hashes.sha256} already, got ${release.sha256}`,
    { hint: 'give the release a new version' },
  );
}
