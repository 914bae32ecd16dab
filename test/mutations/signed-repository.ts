/**
 * What honest people have signed, in four generations of one trust root: the one that the host was enrolled with, one in
 * which release 0.9 is new, one with a rotated root, another policy and release 1.0, which is what an honest control plane
 * serves here, and one in which release 1.0 is withdrawn.
 *
 * The timestamp key belongs to the control plane, so its owner has it; every other key is out of reach.
 */
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { PLAN_KINDS } from '../../shared/ledger/kinds/registry.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import type { NoteSigner } from '../../shared/transparency/signed-note.ts';
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
  removeReleases,
  rotateRoot,
  type TargetDigest,
} from '../../shared/trust/tuf-repository.ts';
import { encodeVerifierKey } from '../../shared/trust/verifier-key.ts';
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

/** Whom both policies name: one of operations and one of security have to sign, and what they sign has to be in the log. */
export interface Deciders {
  readonly approvers: readonly [operations: SigningKey, security: SigningKey];
  /** Of operations as well, but has signed the release. */
  readonly releaser: SigningKey;
  readonly log: NoteSigner;
}

export interface SignedRepository {
  readonly keys: RepositoryKeys;
  readonly deciders: Deciders;
  /** What a host is enrolled with, by name in the trusted set. */
  readonly baseline: ReadonlyMap<string, Buffer>;
  /** Every file that was ever published, by the name that a host asks for; `timestamp.json` is the third. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** One of each generation. */
  readonly timestamps: readonly Buffer[];
  /** What a host trusts that has heard of the withdrawal, by name in the trusted set. */
  readonly withdrawal: ReadonlyMap<string, Buffer>;
  readonly blobs: ReadonlyMap<Sha256, Buffer>;
  /** The release that is deployed, and the older one. */
  readonly newest: BuiltBlobs;
  readonly older: BuiltBlobs;
}

/** Of two repositories by different owners everything differs but the names. */
export async function signRepository(now: number, owner = 'us'): Promise<SignedRepository> {
  const [older, newest] = await buildReleases(owner);
  const signer = new Signer(now);
  const deciders: Deciders = {
    approvers: [generateKey(), generateKey()],
    releaser: signer.keys.release[0] as SigningKey,
    log: { name: 'cutter.example/log', key: generateKey() },
  };
  const policies = [policy(2, deciders), policy(3, deciders)] as const;
  const roots = signer.roots();
  const targets = signer.targets(policies);
  const releases = signer.releases([older, newest]);
  const snapshots = signer.snapshots(targets, releases);
  const timestamps = signer.timestamps(snapshots);
  const [policyBefore, policyNow] = policies;
  const small = [
    [POLICY_PATH, policyBefore],
    [POLICY_PATH, policyNow],
    [pathOf(older), older.statementBytes],
    [pathOf(newest), newest.statementBytes],
  ] as const;
  return {
    keys: signer.keys,
    deciders,
    baseline: new Map([
      ['root.json', first(roots)],
      ['timestamp.json', first(timestamps)],
      ['snapshot.json', first(snapshots)],
      ['targets.json', first(targets)],
      [`${RELEASE_ROLE}.json`, first(releases)],
    ]),
    files: new Map([
      ...numbered('root', roots),
      ...numbered('targets', targets),
      ...numbered(RELEASE_ROLE, releases),
      ...numbered('snapshot', snapshots),
      ['timestamp.json', timestamps[2] as Buffer],
      ...small.map(([path, bytes]) => [storedName(path, bytes), bytes] as const),
    ]),
    timestamps,
    withdrawal: new Map([
      ['root.json', last(roots)],
      ['timestamp.json', last(timestamps)],
      ['snapshot.json', last(snapshots)],
      ['targets.json', last(targets)],
      [`${RELEASE_ROLE}.json`, last(releases)],
    ]),
    blobs: new Map([...older.blobs, ...newest.blobs]),
    newest,
    older,
  };
}

/** Signs the versions of each role, oldest first. */
class Signer {
  readonly keys = newKeys();
  readonly #expiresAt: Date;

  constructor(now: number) {
    this.#expiresAt = new Date(now + MONTH_MS);
  }

  roots(): Buffer[] {
    const { root, targets, snapshot, timestamp } = this.keys;
    const holders = {
      root: holdersOf(root.slice(0, 2)),
      targets: holdersOf(targets),
      snapshot: holdersOf(snapshot),
      timestamp: holdersOf([timestamp]),
    };
    const initial = createRoot(holders, this.#by(root.slice(0, 2)));
    return [initial, rotateRoot(initial, { root: holdersOf(root.slice(1)) }, this.#by(root))];
  }

  targets([before, now]: readonly [Buffer, Buffer]): Buffer[] {
    const { targets, release } = this.keys;
    const releasers = [{ app: 'cutter', ...holdersOf(release) }];
    const initial = createTargets({ policy: digestOf(before), releasers }, this.#by(targets));
    return [initial, changeTargets(initial, { policy: digestOf(now) }, this.#by(targets))];
  }

  releases(all: readonly BuiltBlobs[]): Buffer[] {
    const by = this.#by(this.keys.release);
    const versions = [createReleases('cutter', by)];
    for (const release of all) versions.push(addRelease(versions.at(-1), target(release), by));
    const withdrawn = { app: 'cutter', paths: [pathOf(all.at(-1) as BuiltBlobs)] };
    return [...versions, removeReleases(last(versions), withdrawn, by)];
  }

  snapshots([oldTargets, newTargets]: readonly Buffer[], [none, one, both, withdrawn]: readonly Buffer[]): Buffer[] {
    const by = this.#by(this.keys.snapshot);
    const listing = (targets: Buffer | undefined, releases: Buffer | undefined) =>
      new Map([...(targets ? [['targets', targets] as const] : []), [RELEASE_ROLE, releases as Buffer] as const]);
    const initial = createSnapshot(undefined, listing(oldTargets, none), by);
    const second = createSnapshot(initial, listing(undefined, one), by);
    const third = createSnapshot(second, listing(newTargets, both), by);
    return [initial, second, third, createSnapshot(third, listing(undefined, withdrawn), by)];
  }

  timestamps(snapshots: readonly Buffer[]): Buffer[] {
    const signing = { expiresAt: this.#expiresAt, key: this.keys.timestamp };
    const versions: Buffer[] = [];
    for (const snapshot of snapshots) versions.push(createTimestamp(versions.at(-1), snapshot, signing));
    return versions;
  }

  #by(signers: readonly SigningKey[]) {
    return { expiresAt: this.#expiresAt, signers };
  }
}

function last(versions: readonly Buffer[]): Buffer {
  return versions.at(-1) as Buffer;
}

function first(versions: readonly Buffer[]): Buffer {
  return versions[0] as Buffer;
}

/** All of them have to sign. */
function holdersOf(signers: readonly SigningKey[]) {
  return { keys: signers, threshold: signers.length };
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
function policy(keep: number, { approvers: [operations, security], releaser, log }: Deciders): Buffer {
  const approver = ({ keyId, publicKeyPem: publicKey }: SigningKey, holder: string, team: string) => ({
    keyId,
    publicKey,
    holder,
    team,
  });
  return encodeCanonical({
    version: 1,
    approvers: [
      approver(operations, 'An Nguyen', 'operations'),
      approver(security, 'Bo Berg', 'security'),
      approver(releaser, 'Rita Ray', 'operations'),
    ],
    rules: [
      {
        match: {},
        quorum: [
          { team: 'operations', count: 1 },
          { team: 'security', count: 1 },
        ],
        separation: true,
        maxLeaseMs: MONTH_MS,
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
    log: encodeVerifierKey(log),
    retention: { keep },
  });
}
