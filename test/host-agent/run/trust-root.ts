/** A trust root with real keys, as its honest holders publish it; the rows of attacks bend what it serves. */
import { sha256 } from '../../../shared/digest.ts';
import { generateKey, type PublicKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { memorySource, type TrustSource } from '../../../shared/trust/source.ts';
import { fileNameOf, POLICY_PATH, releaseRoleOf, versionOf } from '../../../shared/trust/tuf-metadata.ts';
import {
  addRelease,
  changeTargets,
  createReleases,
  createRoot,
  createSnapshot,
  createTargets,
  createTimestamp,
  type TargetsChange,
} from '../../../shared/trust/tuf-repository.ts';

export const APP = 'app';
const ROLE = releaseRoleOf(APP);
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

type Role = 'root' | 'targets' | 'snapshot' | 'timestamp' | typeof ROLE;

export interface TrustRootOptions {
  readonly now: Date;
  readonly policy: Buffer;
  /** Of the role that lists releases, which has two keys. */
  readonly threshold?: 1 | 2;
}

export class TrustRoot {
  readonly keys = {
    root: generateKey(),
    targets: generateKey(),
    snapshot: generateKey(),
    timestamp: generateKey(),
    release: [generateKey(), generateKey()] as const,
  };
  /** What is served, by the name that a client asks for. */
  readonly files = new Map<string, Buffer>();
  readonly targetFiles = new Map<string, Buffer>();
  /** What a host is enrolled with. */
  readonly baseline: ReadonlyMap<string, Buffer>;
  readonly #newest = new Map<Role, Buffer>();
  readonly #now: Date;

  constructor({ now, policy, threshold = 1 }: TrustRootOptions) {
    this.#now = now;
    const { root, targets, snapshot, timestamp, release } = this.keys;
    const holders = (...keys: PublicKey[]) => ({ keys, threshold: 1 });
    const roles = {
      root: holders(root),
      targets: holders(targets),
      snapshot: holders(snapshot),
      timestamp: holders(timestamp),
    };
    const releasers = [{ app: APP, keys: [...release], threshold }];
    this.serve('root', createRoot(roles, this.by(root)));
    this.serveTarget(POLICY_PATH, policy);
    this.serve('targets', createTargets({ policy: digestOf(policy), releasers }, this.by(targets)));
    this.serve(ROLE, createReleases(APP, this.by(...release)));
    this.freshen(['targets', ROLE]);
    this.baseline = new Map([...this.#newest].map(([role, bytes]) => [fileNameOf(role), bytes]));
  }

  get source(): TrustSource {
    return memorySource(this.files, this.targetFiles);
  }

  by(...signers: SigningKey[]): { expiresAt: Date; signers: SigningKey[] } {
    return { expiresAt: new Date(this.#now.getTime() + 30 * DAY_MS), signers };
  }

  newest(role: Role): Buffer {
    return this.#newest.get(role) ?? Buffer.alloc(0);
  }

  /** Lists a release, signed by as many releasers as there are unless said. */
  list(path: string, statement: Buffer, signers: readonly SigningKey[] = this.keys.release): void {
    this.serveTarget(path, statement);
    this.serve(ROLE, addRelease(this.newest(ROLE), { path, ...digestOf(statement) }, this.by(...signers)));
    this.freshen([ROLE]);
  }

  changeTargets(change: TargetsChange): void {
    this.serve('targets', changeTargets(this.newest('targets'), change, this.by(this.keys.targets)));
    this.freshen(['targets']);
  }

  changePolicy(policy: Buffer): void {
    this.serveTarget(POLICY_PATH, policy);
    this.changeTargets({ policy: digestOf(policy) });
  }

  /** A new snapshot of the roles, and a timestamp for it. */
  freshen(roles: readonly Role[], expiresAt = new Date(this.#now.getTime() + HOUR_MS)): void {
    const changed = new Map(roles.map((role) => [role, this.newest(role)] as const));
    this.serve('snapshot', createSnapshot(this.#newest.get('snapshot'), changed, this.by(this.keys.snapshot)));
    this.stamp(expiresAt);
  }

  stamp(expiresAt: Date): void {
    const timestamp = { expiresAt, key: this.keys.timestamp };
    this.serve('timestamp', createTimestamp(this.#newest.get('timestamp'), this.newest('snapshot'), timestamp));
  }

  serve(role: Role, bytes: Buffer): void {
    this.#newest.set(role, bytes);
    this.files.set(role === 'timestamp' ? 'timestamp.json' : `${versionOf(bytes)}.${fileNameOf(role)}`, bytes);
  }

  serveTarget(path: string, bytes: Buffer): void {
    this.targetFiles.set(storedName(path, bytes), bytes);
  }
}

/** The name of a target's file carries its digest. */
export function storedName(path: string, bytes: Buffer): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${sha256(bytes)}.${path.slice(slash)}`;
}

export function digestOf(bytes: Buffer): { length: number; sha256: string } {
  return { length: bytes.length, sha256: sha256(bytes) };
}
