/**
 * What honest people have signed, in three generations of one trust root: the one that the host was enrolled with, one
 * in which release 0.9 is new, and the newest with a rotated root, another policy and release 1.0.
 *
 * The timestamp key belongs to the control plane, so its owner has it; every other key is out of reach.
 */
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { PLAN_KINDS } from '../../shared/ledger/kinds/registry.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import { generateKey, type SigningKey } from '../../shared/trust/keys.ts';
import { POLICY_PATH } from '../../shared/trust/tuf-metadata.ts';
import {
  addRelease,
  changeTargets,
  createReleases,
  createRoot,
  createSnapshot,
  createTargets,
  createTimestamp,
  rotateRoot,
  type TargetDigest,
} from '../../shared/trust/tuf-repository.ts';
import { type BuiltBlobs, buildReleases } from './built-release.ts';

export const RELEASE_ROLE = 'release-cutter';
const MONTH_MS = 30 * 24 * 60 * 60 * 1000;

export interface RepositoryKeys {
  readonly root: readonly SigningKey[];
  readonly targets: readonly SigningKey[];
  readonly snapshot: readonly SigningKey[];
  readonly release: readonly SigningKey[];
  /** Held by the control plane. */
  readonly timestamp: SigningKey;
}

export interface SignedRepository {
  readonly keys: RepositoryKeys;
  /** What a host is enrolled with, by name in the trusted set. */
  readonly baseline: ReadonlyMap<string, Buffer>;
  /** Every file that was ever published, by the name that a host asks for; `timestamp.json` is the newest. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly timestamps: readonly Buffer[];
  readonly blobs: ReadonlyMap<Sha256, Buffer>;
  /** The release that is deployed, and the older one. */
  readonly newest: BuiltBlobs;
  readonly older: BuiltBlobs;
}

/** Of two repositories by different owners everything differs but the names. */
export async function signRepository(now: number, owner = 'us'): Promise<SignedRepository> {
  const [older, newest] = await buildReleases(owner);
  const keys = newKeys();
  const expiresAt = new Date(now + MONTH_MS);
  const by = (signers: readonly SigningKey[]) => ({ expiresAt, signers });
  const stamp = (previous: Buffer | undefined, snapshot: Buffer) =>
    createTimestamp(previous, snapshot, { expiresAt, key: keys.timestamp });
  const policies = [policy(2), policy(3)] as const;
  const holders = (signers: readonly SigningKey[]) => ({ keys: signers, threshold: signers.length });

  const root1 = createRoot(
    {
      root: holders(keys.root.slice(0, 2)),
      targets: holders(keys.targets),
      snapshot: holders(keys.snapshot),
      timestamp: holders([keys.timestamp]),
    },
    by(keys.root.slice(0, 2)),
  );
  const releasers = [{ app: 'cutter', ...holders(keys.release) }];
  const targets1 = createTargets({ policy: digestOf(policies[0]), releasers }, by(keys.targets));
  const releases1 = createReleases('cutter', by(keys.release));
  const listed1 = new Map([
    ['targets', targets1],
    [RELEASE_ROLE, releases1],
  ]);
  const snapshot1 = createSnapshot(undefined, listed1, by(keys.snapshot));
  const timestamp1 = stamp(undefined, snapshot1);

  const releases2 = addRelease(releases1, target(older), by(keys.release));
  const snapshot2 = createSnapshot(snapshot1, new Map([[RELEASE_ROLE, releases2]]), by(keys.snapshot));
  const timestamp2 = stamp(timestamp1, snapshot2);

  const root2 = rotateRoot(root1, { root: holders(keys.root.slice(1)) }, by(keys.root));
  const targets2 = changeTargets(targets1, { policy: digestOf(policies[1]) }, by(keys.targets));
  const releases3 = addRelease(releases2, target(newest), by(keys.release));
  const listed3 = new Map([
    ['targets', targets2],
    [RELEASE_ROLE, releases3],
  ]);
  const snapshot3 = createSnapshot(snapshot2, listed3, by(keys.snapshot));
  const timestamp3 = stamp(timestamp2, snapshot3);

  const targets = [POLICY_PATH, POLICY_PATH, ...[older, newest].map(pathOf)];
  const contents = [...policies, older.statementBytes, newest.statementBytes];
  return {
    keys,
    baseline: new Map([
      ['root.json', root1],
      ['timestamp.json', timestamp1],
      ['snapshot.json', snapshot1],
      ['targets.json', targets1],
      [`${RELEASE_ROLE}.json`, releases1],
    ]),
    files: new Map([
      ...numbered('root', [root1, root2]),
      ...numbered('targets', [targets1, targets2]),
      ...numbered(RELEASE_ROLE, [releases1, releases2, releases3]),
      ...numbered('snapshot', [snapshot1, snapshot2, snapshot3]),
      ['timestamp.json', timestamp3] as const,
      ...targets.map(
        (path, index) => [storedName(path, contents[index] as Buffer), contents[index] as Buffer] as const,
      ),
    ]),
    timestamps: [timestamp1, timestamp2, timestamp3],
    blobs: new Map([...older.blobs, ...newest.blobs]),
    newest,
    older,
  };
}

/** The name that a host asks for a target by: its file name carries its digest. */
export function storedName(path: string, bytes: Buffer): string {
  const slash = path.lastIndexOf('/') + 1;
  return `targets/${path.slice(0, slash)}${sha256(bytes)}.${path.slice(slash)}`;
}

export function pathOf({ statement: { app, version } }: BuiltBlobs): string {
  return releaseTargetPath(app, version);
}

function newKeys(): RepositoryKeys {
  const [root, targets, release] = [3, 2, 2].map((count) => Array.from({ length: count }, generateKey));
  return {
    root: root as SigningKey[],
    targets: targets as SigningKey[],
    release: release as SigningKey[],
    snapshot: [generateKey()],
    timestamp: generateKey(),
  };
}

function numbered(role: string, versions: readonly Buffer[]): [string, Buffer][] {
  return versions.map((bytes, index) => [`${index + 1}.${role}.json`, bytes]);
}

function target(release: BuiltBlobs): TargetDigest & { path: string } {
  return { path: pathOf(release), ...digestOf(release.statementBytes) };
}

function digestOf(bytes: Buffer): TargetDigest {
  return { length: bytes.length, sha256: sha256(bytes) };
}

/** Two policies that differ in `keep` alone. */
function policy(keep: number): Buffer {
  const { keyId, publicKeyPem: publicKey } = generateKey();
  return encodeCanonical({
    version: 1,
    approvers: [{ keyId, publicKey, holder: 'An Nguyen', team: 'operations' }],
    rules: [
      {
        match: {},
        quorum: [{ team: 'operations', count: 1 }],
        separation: true,
        maxLeaseMs: 3_600_000,
        freshnessGraceMs: 60_000,
        reopen: false,
      },
    ],
    subGaps: {
      accept: [{ gate: 'G6', checkKind: 'sql', owner: 'operations', route: 'next release', maxAgeDays: 30 }],
    },
    gates: { required: ['G0', 'G3', 'G5'] },
    checkKinds: { allowed: PLAN_KINDS.map(({ kind }) => kind) },
    sandbox: 'required',
    forbidden: ['network', 'service-change'],
    timestampExpiresMs: MONTH_MS,
    retention: { keep },
  });
}
