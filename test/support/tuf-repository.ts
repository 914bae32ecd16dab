/**
 * A live TUF repository in memory whose owner can do everything wrong; `tuf-server.ts` serves it over real HTTP.
 *
 * Metadata are plain objects that a test edits at will; `publish` counts up, signs with whatever signers a role has at
 * that moment, and lists the file in snapshot or timestamp. Nothing is checked: that is the client's part. A fresh
 * repository obeys Keyturn's own rules as well (Ed25519, SHA-256 and lengths in listings).
 */
import { createHash } from 'node:crypto';

import { type Members, newTestKey, olpcCanonical, sha256Hex, type TestKey } from './tuf-keys.ts';

export type TestRole = { keyids: string[]; threshold: number; [extra: string]: unknown };
export type TestListing = { version: number; length?: number; hashes?: { [algorithm: string]: string } };
export type TestSigned = {
  _type: string;
  spec_version: string;
  version: number;
  expires: string;
  [extra: string]: unknown;
};
export type TestRoot = TestSigned & {
  keys: Members;
  roles: { [role: string]: TestRole };
  consistent_snapshot: boolean;
};
export type TestListings = TestSigned & { meta: { [fileName: string]: TestListing } };
export type TestDelegation = TestRole & { name: string; terminating: boolean; paths: string[] };
export type TestTarget = { length: number; hashes: { [algorithm: string]: string }; custom?: Members };
export type TestTargets = TestSigned & {
  targets: { [path: string]: TestTarget };
  delegations?: { keys: Members; roles: TestDelegation[] };
};
export type Document = { signatures: { keyid: string; sig: string }[]; signed: TestSigned };

export const DAY_MS = 24 * 60 * 60 * 1000;

/** A date in the spelling of TUF. */
export function tufDate(instant: Date | number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

export class TufRepository {
  readonly root: TestRoot;
  readonly timestamp: TestListings;
  readonly snapshot: TestListings;
  readonly targets: TestTargets;
  readonly delegated = new Map<string, TestTargets>();
  readonly signers = new Map<string, TestKey[]>();
  /** What clients can fetch, by role; index 0 is version 1. */
  readonly published = new Map<string, Buffer[]>();
  readonly artifacts = new Map<string, Buffer>();
  /** Metadata files that clients asked for, in order, as in the address. */
  readonly metadataRequests: string[] = [];
  readonly artifactRequests: string[] = [];
  /** Listings carry length and SHA-256; without, versions alone. */
  hasHashedListings = true;

  constructor() {
    const common = (type: string) => ({
      _type: type,
      spec_version: '1.0.31',
      version: 1,
      expires: tufDate(Date.now() + 30 * DAY_MS),
    });
    this.root = { ...common('root'), consistent_snapshot: true, keys: {}, roles: {} };
    this.timestamp = { ...common('timestamp'), meta: {} };
    this.snapshot = { ...common('snapshot'), meta: {} };
    this.targets = { ...common('targets'), targets: {} };
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      this.root.roles[role] = { keyids: [], threshold: 1 };
      this.addKey(role);
    }
    this.publish('targets', 'snapshot', 'timestamp', 'root');
  }

  /** The root that a client starts from. */
  get firstRoot(): Buffer {
    return this.publishedAs('root', 1);
  }

  signedOf(role: string): TestSigned {
    const top: Record<string, TestSigned> = {
      root: this.root,
      timestamp: this.timestamp,
      snapshot: this.snapshot,
      targets: this.targets,
    };
    return top[role] ?? this.delegatedRole(role);
  }

  delegatedRole(role: string): TestTargets {
    const signed = this.delegated.get(role);
    if (signed === undefined) throw new RangeError(`no role "${role}"`);
    return signed;
  }

  publishedAs(role: string, version: number): Buffer {
    const bytes = this.published.get(role)?.[version - 1];
    if (bytes === undefined) throw new RangeError(`no ${role} version ${version}`);
    return bytes;
  }

  newest(role: string): Buffer {
    return this.publishedAs(role, this.published.get(role)?.length ?? 0);
  }

  /** Adds a key that may sign as `role`, and signs with it from now on. `delegator` is needed for delegated roles. */
  addKey(role: string, key: TestKey = newTestKey(), delegator = 'targets'): TestKey {
    this.allowKey(role, key, delegator);
    this.signers.set(role, [...(this.signers.get(role) ?? []), key]);
    return key;
  }

  /** Adds a key that may sign as `role`, without signing with it. */
  allowKey(role: string, key: TestKey, delegator = 'targets'): void {
    const { keys, rule } = this.#ruleFor(role, delegator);
    keys[key.keyId] = key.json;
    if (!rule.keyids.includes(key.keyId)) rule.keyids.push(key.keyId);
  }

  /** New keys for a role, as many as its threshold; the old ones are out. */
  rotateKeys(role: string): void {
    const { threshold } = this.#ruleFor(role, 'targets').rule;
    this.setKeys(
      role,
      Array.from({ length: threshold }, () => newTestKey()),
    );
  }

  /** These keys for a role, which sign from now on; the old ones are out. */
  setKeys(role: string, keys: readonly TestKey[]): void {
    this.#ruleFor(role, 'targets').rule.keyids = [];
    this.signers.set(role, []);
    for (const key of keys) this.addKey(role, key);
  }

  /** Lets a delegator delegate to a role, with a key of its own; the role is made if it is new. */
  addDelegation(delegator: string, name: string, options: Partial<TestDelegation> = {}): void {
    const targets = delegator === 'targets' ? this.targets : this.delegatedRole(delegator);
    targets.delegations ??= { keys: {}, roles: [] };
    targets.delegations.roles.push({ name, keyids: [], threshold: 1, terminating: false, paths: ['*'], ...options });
    if (!this.delegated.has(name)) {
      const expires = tufDate(Date.now() + 30 * DAY_MS);
      this.delegated.set(name, { _type: 'targets', spec_version: '1.0.31', version: 1, expires, targets: {} });
    }
    this.addKey(name, newTestKey(), delegator);
  }

  addArtifact(role: string, path: string, content: string, algorithms: readonly string[] = ['sha256']): void {
    const bytes = Buffer.from(content);
    const targets = role === 'targets' ? this.targets : this.delegatedRole(role);
    const hashes = Object.fromEntries(algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]));
    targets.targets[path] = { length: bytes.length, hashes };
    this.artifacts.set(path, bytes);
  }

  /** Signs and makes public; the version goes up by one unless the role was never public. */
  publish(...roles: string[]): void {
    for (const role of roles) {
      if (this.published.has(role)) this.signedOf(role).version += 1;
      this.publishAsIs(role);
    }
  }

  /** Signs and makes public what stands there, with the version it has. */
  publishAsIs(role: string): void {
    const signed = this.signedOf(role);
    const bytes = this.#sign(role, signed);
    this.published.set(role, [...(this.published.get(role) ?? []), bytes]);
    const listing: TestListing = this.hasHashedListings
      ? { version: signed.version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
      : { version: signed.version };
    if (role === 'snapshot') this.timestamp.meta['snapshot.json'] = listing;
    else if (role !== 'root' && role !== 'timestamp') this.snapshot.meta[`${role}.json`] = listing;
  }

  /** Changes the newest public file of a role behind its signatures. */
  tamper(role: string, change: (document: Document) => void): void {
    const document = JSON.parse(this.newest(role).toString()) as Document;
    change(document);
    this.published.get(role)?.splice(-1, 1, Buffer.from(JSON.stringify(document)));
  }

  /** Writes all that is public as people like to read it; the signatures do not mind. */
  indent(): void {
    for (const versions of this.published.values())
      for (const [index, bytes] of versions.entries())
        versions[index] = Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), undefined, 1));
  }

  /** Forgets what was public of a role: the next `publish` is file 1 again, with whatever version the role has. */
  unpublish(role: string): void {
    this.published.delete(role);
  }

  /** The repository as files by name, for `memorySource`. */
  get files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const [role, versions] of this.published) {
      for (const [index, bytes] of versions.entries())
        files.set(`${index + 1}.${encodeURIComponent(role)}.json`, bytes);
    }
    if (this.published.has('timestamp')) files.set('timestamp.json', this.newest('timestamp'));
    return files;
  }

  #ruleFor(role: string, delegator: string): { keys: Members; rule: TestRole } {
    const top = this.root.roles[role];
    if (top !== undefined) return { keys: this.root.keys, rule: top };
    const { delegations } = delegator === 'targets' ? this.targets : this.delegatedRole(delegator);
    const rule = delegations?.roles.find((entry) => entry.name === role);
    if (delegations === undefined || rule === undefined)
      throw new RangeError(`${delegator} delegates nothing to ${role}`);
    return { keys: delegations.keys, rule };
  }

  #sign(role: string, signed: TestSigned): Buffer {
    const message = Buffer.from(olpcCanonical(signed));
    const signatures = (this.signers.get(role) ?? []).map((key) => ({ keyid: key.keyId, sig: key.sign(message) }));
    return Buffer.from(JSON.stringify({ signatures, signed }));
  }

  /** A metadata file as a client asks for it: `3.snapshot.json`, `timestamp.json`. */
  metadataFile(name: string): Buffer | undefined {
    const match = /^(?:(?<version>\d+)\.)?(?<role>.+)\.json$/.exec(name);
    const role = decodeURIComponent(match?.groups?.role ?? '');
    const versions = this.published.get(role) ?? [];
    return match?.groups?.version === undefined ? versions.at(-1) : versions[Number(match.groups.version) - 1];
  }

  /** An artifact as a client asks for it, with the digest before its name where the root says so. */
  artifactFile(name: string): Buffer | undefined {
    if (!this.root.consistent_snapshot) return this.artifacts.get(name);
    return this.artifacts.get(name.replace(/(^|\/)[0-9a-f]{64,128}\.(?=[^/]*$)/, '$1'));
  }
}

/** The digest of what the repository serves for a target. */
export function sha256OfArtifact(repository: TufRepository, path: string): string {
  return sha256Hex(repository.artifacts.get(path) ?? Buffer.alloc(0));
}
