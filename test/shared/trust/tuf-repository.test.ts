/** A repository's life, each step accepted by a client that trusted the step before. */
import { expect } from 'chai';

import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { memorySource } from '../../../shared/trust/source.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import {
  addRelease,
  changeTargets,
  createRoot,
  createSnapshot,
  createTargets,
  createTimestamp,
  releasersOf,
  removeReleases,
  rotateRoot,
} from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { addMetadataSignature, checkSignedBy, signMetadata } from '../../../shared/trust/tuf-signing.ts';

const NOW = new Date('2030-06-01T12:00:00Z');
const expiresAt = new Date('2030-12-31T23:59:59.750Z');
const newKeys = (count: number): SigningKey[] => Array.from({ length: count }, () => generateKey());
const digestOf = (text: string) => ({ length: Buffer.byteLength(text), sha256: sha256(text) });

/** The offline keys, and the newest file of each role. */
class Operator {
  readonly rootKeys = newKeys(3);
  readonly targetsKeys = newKeys(3);
  readonly snapshotKey = generateKey();
  timestampKey = generateKey();
  readonly releaseKeys = newKeys(2);
  readonly files = new Map<string, Buffer>();
  root: Buffer;
  targets: Buffer;
  release: Buffer | undefined;
  snapshot: Buffer | undefined;
  timestamp: Buffer | undefined;

  constructor() {
    const two = (keys: SigningKey[]) => ({ keys, threshold: 2 });
    this.root = createRoot(
      {
        root: two(this.rootKeys),
        targets: two(this.targetsKeys),
        snapshot: { keys: [this.snapshotKey], threshold: 1 },
        timestamp: { keys: [this.timestampKey], threshold: 1 },
      },
      { expiresAt, signers: this.rootKeys.slice(0, 2) },
    );
    const releasers = [{ app: 'app', ...two(this.releaseKeys) }];
    const signing = { expiresAt, signers: this.targetsKeys.slice(1) };
    this.targets = createTargets({ policy: digestOf('{}'), releasers }, signing);
    this.publish();
  }

  get firstTrust(): TrustedMetadata {
    return new Map([['root.json', this.root]]);
  }

  addRelease(path: string, content: string): void {
    const signing = { expiresAt, signers: this.releaseKeys };
    this.release = addRelease(this.release, { path, ...digestOf(content) }, signing);
  }

  publish(): void {
    const changed = new Map([['targets', this.targets]]);
    if (this.release !== undefined) changed.set('release-app', this.release);
    this.snapshot = createSnapshot(this.snapshot, changed, { expiresAt, signers: [this.snapshotKey] });
    this.timestamp = createTimestamp(this.timestamp, this.snapshot, { expiresAt, key: this.timestampKey });
    const current = { root: this.root, targets: this.targets, snapshot: this.snapshot, 'release-app': this.release };
    for (const [role, bytes] of Object.entries(current)) {
      if (bytes !== undefined) this.files.set(`${versionOf(bytes)}.${role}.json`, bytes);
    }
    this.files.set('timestamp.json', this.timestamp);
  }

  async refresh(trusted: TrustedMetadata, targets: string[] = []) {
    return refreshTrust({ trusted, source: memorySource(this.files), targets, rules: 'keyturn', now: NOW });
  }

  /** The outcome's code, and which of the paths are found. */
  async verdict(trusted: TrustedMetadata, paths: string[]): Promise<string> {
    const { outcome, targets } = await this.refresh(trusted, paths);
    if (outcome.kind === 'failed')
      return outcome.error instanceof RejectedError ? outcome.error.code : outcome.error.message;
    return paths.filter((path) => targets.get(path) !== undefined).join(' ');
  }
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('shared/trust/tuf-repository', function () {
  this.timeout(30_000);
  let operator: Operator;
  beforeEach(() => {
    operator = new Operator();
  });

  it('makes a repository that a fresh client accepts, with the policy in it', async () => {
    const { outcome, targets } = await operator.refresh(operator.firstTrust, ['policy.json']);
    expect(outcome).to.deep.equal({ kind: 'fresh', freshUntil: new Date('2030-12-31T23:59:59Z') });
    expect(targets.get('policy.json')).to.deep.include({ path: 'policy.json', ...digestOf('{}') });
  });

  it('makes the same bytes again from the same keys and time', () => {
    const signing = { expiresAt, signers: operator.targetsKeys };
    const make = () => changeTargets(operator.targets, {}, signing);
    expect(make().equals(make())).to.equal(true);
  });

  it('publishes releases one after the other; the client finds each', async () => {
    const { trusted } = await operator.refresh(operator.firstTrust);
    operator.addRelease('app/1.0.0.json', 'one');
    operator.publish();
    operator.addRelease('app/1.1.0.json', 'two');
    operator.publish();
    expect(await operator.verdict(trusted, ['app/1.0.0.json', 'app/1.1.0.json', 'app/9.json'])).to.equal(
      'app/1.0.0.json app/1.1.0.json',
    );
  });

  it('carries length and digest of everything it lists', () => {
    operator.addRelease('app/1.0.0.json', 'one');
    operator.publish();
    const { meta } = checkMetadata('snapshot', operator.snapshot ?? Buffer.alloc(0)).signed;
    const release = operator.release ?? Buffer.alloc(0);
    expect(meta['release-app.json']).to.deep.equal({
      version: 1,
      length: release.length,
      hashes: { sha256: sha256(release) },
    });
  });

  it('lists a release again only with the same bytes', () => {
    operator.addRelease('app/1.0.0.json', 'one');
    operator.addRelease('app/1.0.0.json', 'one');
    expect(codeOf(() => operator.addRelease('app/1.0.0.json', 'another'))).to.equal('release-differs');
  });

  it('stops at the number of releases that clients can parse, and goes on when old ones are retired', () => {
    const signing = { expiresAt, signers: [] };
    const listed = { length: 1, hashes: { sha256: sha256('x') } };
    const paths = Array.from({ length: LIMITS.targetsPerRoleCount }, (_, index) => `app/${index}.json`);
    const common = { _type: 'targets', spec_version: '1.0.31', version: 1, expires: '2030-12-31T23:59:59Z' } as const;
    const targets = Object.fromEntries(paths.map((path) => [path, listed]));
    const full = signMetadata('release-app', { ...common, targets }, []);
    const oneMore = { path: 'app/more.json', ...digestOf('x') };
    expect(codeOf(() => addRelease(full, oneMore, signing))).to.equal('too-many-targets');
    const retired = removeReleases(full, { app: 'app', paths: ['app/0.json'] }, signing);
    expect(codeOf(() => addRelease(retired, oneMore, signing))).to.equal('accepted');
  });

  it('refuses to make what agents would refuse', () => {
    const signing = { expiresAt, signers: operator.releaseKeys };
    expect(codeOf(() => addRelease(undefined, { path: 'app/../x', ...digestOf('x') }, signing))).to.equal(
      'target-path-invalid',
    );
    const unreachable = { app: 'other', keys: newKeys(1), threshold: 2 };
    expect(codeOf(() => changeTargets(operator.targets, { releasers: [unreachable] }, signing))).to.equal(
      'threshold-out-of-range',
    );
  });

  it('retires a release: the client does not find it any more', async () => {
    operator.addRelease('app/1.0.0.json', 'one');
    operator.addRelease('app/1.1.0.json', 'two');
    operator.publish();
    const { trusted } = await operator.refresh(operator.firstTrust, ['app/1.0.0.json']);
    const change = { app: 'app', paths: ['app/1.0.0.json'] };
    operator.release = removeReleases(operator.release ?? Buffer.alloc(0), change, {
      expiresAt,
      signers: operator.releaseKeys,
    });
    operator.publish();
    expect(await operator.verdict(trusted, ['app/1.0.0.json', 'app/1.1.0.json'])).to.equal('app/1.1.0.json');
  });

  it('dismisses the keyholders of an application: their releases are gone, the snapshot stays acceptable', async () => {
    operator.addRelease('app/1.0.0.json', 'one');
    operator.publish();
    const { trusted } = await operator.refresh(operator.firstTrust, ['app/1.0.0.json']);
    operator.targets = changeTargets(
      operator.targets,
      { removedApps: ['app'] },
      { expiresAt, signers: operator.targetsKeys },
    );
    operator.publish();
    expect(await operator.verdict(trusted, ['app/1.0.0.json', 'policy.json'])).to.equal('policy.json');
  });

  it('adds an application and replaces the policy, keeping the rest', () => {
    const releaser = { app: 'other', keys: newKeys(2), threshold: 1 };
    const change = { policy: digestOf('{"new":1}'), releasers: [releaser] };
    const next = changeTargets(operator.targets, change, { expiresAt, signers: operator.targetsKeys });
    const { signed } = checkMetadata('targets', next);
    expect(signed.version).to.equal(2);
    expect(signed.targets['policy.json']?.hashes.sha256).to.equal(sha256('{"new":1}'));
    const names = releasersOf(signed).map(({ app, threshold, keys }) => `${app} ${threshold} of ${keys.length}`);
    expect(names).to.deep.equal(['app 2 of 2', 'other 1 of 2']);
  });

  it('refuses a release that one of the two needed keys signed', async () => {
    const signing = { expiresAt, signers: operator.releaseKeys.slice(1) };
    operator.release = addRelease(undefined, { path: 'app/1.0.0.json', ...digestOf('one') }, signing);
    operator.publish();
    expect(await operator.verdict(operator.firstTrust, ['app/1.0.0.json'])).to.equal('metadata-not-trusted');
  });

  it('collects signatures one at a time, and says when there are enough', async () => {
    const [first, second] = operator.releaseKeys as [SigningKey, SigningKey];
    const draft = addRelease(
      undefined,
      { path: 'app/1.0.0.json', ...digestOf('one') },
      { expiresAt, signers: [first] },
    );
    expect(codeOf(() => checkSignedBy(operator.targets, 'release-app', draft))).to.equal('signature-threshold-not-met');
    operator.release = addMetadataSignature('release-app', addMetadataSignature('release-app', draft, first), second);
    expect(codeOf(() => checkSignedBy(operator.targets, 'release-app', operator.release ?? draft))).to.equal(
      'accepted',
    );
    operator.publish();
    expect(await operator.verdict(operator.firstTrust, ['app/1.0.0.json'])).to.equal('app/1.0.0.json');
  });

  describe('rotating the root', () => {
    const rotated = (signers: (operator: Operator) => SigningKey[]) => {
      const nextTimestampKey = generateKey();
      const nextRootKeys = [...operator.rootKeys.slice(1), generateKey()];
      const previous = operator.root;
      operator.root = rotateRoot(
        previous,
        { root: { keys: nextRootKeys, threshold: 2 }, timestamp: { keys: [nextTimestampKey], threshold: 1 } },
        { expiresAt, signers: signers(operator).concat(nextRootKeys.slice(2)) },
      );
      operator.timestampKey = nextTimestampKey;
      operator.publish();
      return previous;
    };

    it('is accepted with the old and the new threshold of signatures', async () => {
      const { trusted } = await operator.refresh(operator.firstTrust);
      const previous = rotated(({ rootKeys }) => rootKeys.slice(1));
      expect(codeOf(() => checkSignedBy(previous, 'root', operator.root))).to.equal('accepted');
      expect(codeOf(() => checkSignedBy(operator.root, 'root', operator.root))).to.equal('accepted');
      const result = await operator.refresh(trusted);
      expect(result.outcome.kind).to.equal('fresh');
      expect(versionOf(result.trusted.get('root.json') ?? Buffer.alloc(0))).to.equal(2);
    });

    it('is refused with one old signature, and the old root stays', async () => {
      const { trusted } = await operator.refresh(operator.firstTrust);
      const previous = rotated(({ rootKeys }) => rootKeys.slice(2));
      expect(codeOf(() => checkSignedBy(previous, 'root', operator.root))).to.equal('signature-threshold-not-met');
      const result = await operator.refresh(trusted);
      expect(result.outcome.kind).to.equal('failed');
      expect(versionOf(result.trusted.get('root.json') ?? Buffer.alloc(0))).to.equal(1);
    });

    it('is refused without the new threshold', async () => {
      const previous = rotated(({ rootKeys }) => rootKeys.slice(0, 1));
      expect(codeOf(() => checkSignedBy(operator.root, 'root', operator.root))).to.equal('signature-threshold-not-met');
      expect(await operator.verdict(new Map([['root.json', previous]]), [])).to.equal('metadata-not-trusted');
    });
  });
});
