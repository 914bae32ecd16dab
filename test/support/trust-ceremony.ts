/** A whole trust root with real keys for tests of the control plane: what releasers sign, and what they get wrong. */

import { encodeCanonical } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { createManifest, encodeManifest } from '../../shared/release/manifest.ts';
import { encodeReleaseStatement, releaseTargetPath } from '../../shared/release/release-statement.ts';
import type { PublishRequest } from '../../shared/rpc/generated/messages.ts';
import { generateKey, type PublicKey, type SigningKey } from '../../shared/trust/keys.ts';
import { POLICY_PATH, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import {
  addRelease,
  changeTargets,
  createRoot,
  createSnapshot,
  createTargets,
  type TargetsChange,
} from '../../shared/trust/tuf-repository.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
export const APP = 'demo';

export interface TestRelease {
  readonly version: string;
  readonly statement: Buffer;
  /** By digest: everything that the statement reaches. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** One small release of `demo`, whose bytes differ by version. */
export function testRelease(version: string): TestRelease {
  const file = Buffer.from(`print("${version}")\n`);
  const manifest = encodeManifest(
    createManifest([{ kind: 'file', path: 'main.py', mode: 0o644, size: file.length, sha256: sha256(file) }]),
  );
  const [plan, buildRecord, provenance, archive] = ['plan', 'build record', 'provenance', 'archive'].map((what) =>
    Buffer.from(`${what} of ${version}`),
  );
  const blobOf = (bytes: Buffer | undefined) => ({ sha256: sha256(bytes as Buffer), size: (bytes as Buffer).length });
  const statement = encodeReleaseStatement({
    schema: 'keyturn.release/v1',
    app: APP,
    version,
    commit: 'a'.repeat(40),
    treeDigest: sha256(`tree of ${version}`),
    manifest: blobOf(manifest),
    plan: blobOf(plan),
    buildRecord: blobOf(buildRecord),
    provenance: blobOf(provenance),
    archive: { ...blobOf(archive), name: `${APP}-${version}.tar.gz` },
  });
  const all = [file, manifest, plan, buildRecord, provenance, archive] as Buffer[];
  return { version, statement, blobs: new Map(all.map((bytes) => [sha256(bytes), bytes])) };
}

/** The newest metadata that this ceremony has signed; each step returns what has to be published. */
export class TrustCeremony {
  readonly keys = { root: generateKey(), targets: generateKey(), snapshot: generateKey(), release: generateKey() };
  readonly #now: number;
  root: Buffer;
  targets: Buffer;
  releases: Buffer | undefined;
  snapshot: Buffer;
  #snapshotVersion = 1;
  #releasesVersion = 0;

  constructor(timestampKey: PublicKey, { now, timestampExpiresMs }: { now: number; timestampExpiresMs?: number }) {
    this.#now = now;
    const holders = (key: PublicKey) => ({ keys: [key], threshold: 1 });
    const { root, targets, snapshot, release } = this.keys;
    this.root = createRoot(
      { root: holders(root), targets: holders(targets), snapshot: holders(snapshot), timestamp: holders(timestampKey) },
      this.#signing(root),
    );
    this.policy = testPolicy(timestampExpiresMs ?? 600_000);
    const policy = { length: this.policy.length, sha256: sha256(this.policy) };
    this.targets = createTargets({ policy, releasers: [{ app: APP, ...holders(release) }] }, this.#signing(targets));
    this.snapshot = createSnapshot(undefined, new Map([['targets', this.targets]]), this.#signing(snapshot));
  }

  readonly policy: Buffer;

  firstPublication(): PublishRequest {
    return {
      metadata: files({ '1.root.json': this.root, '1.targets.json': this.targets, '1.snapshot.json': this.snapshot }),
      targets: files({ [POLICY_PATH]: this.policy }),
    };
  }

  /** Lists the release. `signer` is somebody else's key in an attack. */
  releasePublication({ version, statement }: TestRelease, signer: SigningKey = this.keys.release): PublishRequest {
    const target = { path: releaseTargetPath(APP, version), length: statement.length, sha256: sha256(statement) };
    this.releases = addRelease(this.releases, target, this.#signing(signer));
    this.#releasesVersion += 1;
    const role = releaseRoleOf(APP);
    this.#nextSnapshot(role, this.releases);
    return {
      metadata: files({
        [`${this.#releasesVersion}.${role}.json`]: this.releases,
        [`${this.#snapshotVersion}.snapshot.json`]: this.snapshot,
      }),
      targets: files({ [target.path]: statement }),
    };
  }

  /** Another releaser with the same keys, who has seen what this one has seen. */
  twin(): TrustCeremony {
    const twin = new TrustCeremony(generateKey(), { now: this.#now });
    Object.assign(twin.keys, this.keys);
    const { root, targets, releases, snapshot } = this;
    Object.assign(twin, { root, targets, releases, snapshot });
    twin.#snapshotVersion = this.#snapshotVersion;
    twin.#releasesVersion = this.#releasesVersion;
    return twin;
  }

  /** New targets metadata: a change, or the same for longer. */
  renewalPublication(change: TargetsChange = {}): PublishRequest {
    this.targets = changeTargets(this.targets, change, this.#signing(this.keys.targets));
    this.#nextSnapshot('targets', this.targets);
    return {
      metadata: files({ '2.targets.json': this.targets, [`${this.#snapshotVersion}.snapshot.json`]: this.snapshot }),
      targets: [],
    };
  }

  #nextSnapshot(role: string, bytes: Buffer): void {
    this.snapshot = createSnapshot(this.snapshot, new Map([[role, bytes]]), this.#signing(this.keys.snapshot));
    this.#snapshotVersion += 1;
  }

  #signing(key: SigningKey) {
    return { expiresAt: new Date(this.#now + 30 * DAY_MS), signers: [key] };
  }
}

export function files(byName: Readonly<Record<string, Uint8Array>>): { name: string; content: Buffer }[] {
  return Object.entries(byName).map(([name, content]) => ({ name, content: Buffer.from(content) }));
}

function testPolicy(timestampExpiresMs: number): Buffer {
  const { keyId, publicKeyPem: publicKey } = generateKey();
  const quorum = [{ team: 'operations', count: 1 }];
  return encodeCanonical({
    version: 1,
    approvers: [{ keyId, publicKey, holder: 'An Nguyen', team: 'operations' }],
    rules: [{ match: {}, quorum, separation: true, maxLeaseMs: 3_600_000, freshnessGraceMs: 60_000, reopen: false }],
    subGaps: { accept: [] },
    gates: { required: ['G3'] },
    checkKinds: { allowed: ['exec'] },
    sandbox: 'required',
    forbidden: [],
    timestampExpiresMs,
    retention: { keep: 2 },
  });
}
