import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { expect } from 'chai';

import {
  adoptTrusted,
  loadTrusted,
  loadVerifiedTarget,
  openTrustDatabase,
  resetTrusted,
} from '../../../host-agent/trust/metadata-store.ts';
import { loadLastPolicy, readPolicy } from '../../../host-agent/trust/policy.ts';
import { TrustClient } from '../../../host-agent/trust/trust-client.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { memorySource, type TrustSource } from '../../../shared/trust/source.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { DAY_MS, sha256OfArtifact, TufRepository, tufDate } from '../../support/tuf-repository.ts';

const CONTENT = '{"release":1}';

describe('host-agent/trust/trust-client', function () {
  this.timeout(30_000);
  let folder: string;
  let db: Database.Database;
  let repository: TufRepository;
  let client: TrustClient;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-trust-client-'));
    db = openTrustDatabase(join(folder, 'trust.sqlite'));
    repository = new TufRepository();
    repository.addDelegation('targets', 'release-app', { terminating: true, paths: ['app/*'] });
    repository.addArtifact('release-app', 'app/1.0.0.json', CONTENT);
    repository.publish('release-app', 'targets', 'snapshot', 'timestamp');
    enrol(new Map([['root.json', repository.firstRoot]]));
    client = newClient();
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the agent reaches: the repository as it is at the moment of each request. */
  const live: TrustSource = {
    fetchMetadata: (name) => memorySource(repository.files).fetchMetadata(name),
    fetchTarget: (path) => {
      const bytes = repository.artifactFile(path);
      return memorySource(new Map(), bytes && new Map([[path, bytes]])).fetchTarget(path);
    },
  };

  function newClient(source: TrustSource = live, day = 0): TrustClient {
    return new TrustClient({ db, source, rules: 'keyturn', now: () => new Date(Date.now() + day * DAY_MS) });
  }
  function enrol(baseline: TrustedMetadata): void {
    resetTrusted(db, baseline, { adoptedAt: new Date() });
  }
  function stored(): string {
    return [...loadTrusted(db)]
      .map(([name, bytes]) => `${name.replace('.json', '')} ${versionOf(bytes)}`)
      .sort()
      .join(', ');
  }
  async function errorOf(action: Promise<unknown>): Promise<Error> {
    return action.then(
      () => expect.fail('expected a failure'),
      (error: Error) => error,
    );
  }
  async function codeOf(action: Promise<unknown>): Promise<string> {
    const error = await errorOf(action);
    return error instanceof RejectedError ? error.code : error.name;
  }

  it('refreshes, and adopts what it verified', async () => {
    expect(await client.refresh()).to.deep.equal({ kind: 'fresh', freshUntil: new Date(repository.timestamp.expires) });
    expect(stored()).to.equal('root 1, snapshot 2, targets 2, timestamp 2');
  });

  it('finds a target with its digest, and nothing where nothing is', async () => {
    const target = await client.findTarget('app/1.0.0.json');
    expect(target).to.deep.include({ length: CONTENT.length, sha256: sha256OfArtifact(repository, 'app/1.0.0.json') });
    expect(await client.findTarget('app/2.0.0.json')).to.equal(undefined);
    expect(stored()).to.equal('release-app 1, root 1, snapshot 2, targets 2, timestamp 2');
  });

  it('reads a target, verified, and fetches it once', async () => {
    let downloads = 0;
    const counting: TrustSource = {
      ...live,
      fetchTarget: (path) => {
        downloads++;
        return live.fetchTarget(path);
      },
    };
    client = newClient(counting);
    expect((await client.readTarget('app/1.0.0.json')).toString()).to.equal(CONTENT);
    expect((await newClient(counting).readTarget('app/1.0.0.json')).toString()).to.equal(CONTENT);
    expect(downloads).to.equal(1);
  });

  it('takes the copy of the caller while it is what the role lists, and no other', async () => {
    repository.artifacts.clear();
    const copy = Buffer.from(CONTENT);
    expect(await client.readTarget('app/1.0.0.json', { copy })).to.equal(copy);
    expect(await codeOf(client.readTarget('app/1.0.0.json', { copy: Buffer.from('{"release":2}') }))).to.equal(
      'metadata-not-found',
    );
  });

  it('reads several targets out of one refresh, in the order asked for, or none when one of them is unknown', async () => {
    repository.addArtifact('release-app', 'app/2.0.0.json', '{"release":2}');
    repository.publish('release-app', 'snapshot', 'timestamp');
    let timestamps = 0;
    client = newClient({
      ...live,
      fetchMetadata: (name) => {
        if (name === 'timestamp.json') timestamps++;
        return live.fetchMetadata(name);
      },
    });
    const read = await client.readTargets(['app/2.0.0.json', 'app/1.0.0.json']);
    expect(read.map(String)).to.deep.equal(['{"release":2}', CONTENT]);
    expect(timestamps).to.equal(1);
    expect(await codeOf(client.readTargets(['app/1.0.0.json', 'app/9.json']))).to.equal('target-unknown');
  });

  const badBytes: Record<string, { serve: string; expected: string }> = {
    'other bytes of the same length': { serve: '{"release":2}', expected: 'target-differs' },
    'fewer bytes': { serve: '{', expected: 'target-differs' },
    'more bytes': { serve: `${CONTENT} `, expected: 'metadata-too-large' },
  };
  for (const [name, { serve, expected }] of Object.entries(badBytes)) {
    it(`refuses a target of ${name}, and does not keep it`, async () => {
      repository.artifacts.set('app/1.0.0.json', Buffer.from(serve));
      expect(await codeOf(client.readTarget('app/1.0.0.json'))).to.equal(expected);
      repository.artifacts.set('app/1.0.0.json', Buffer.from(CONTENT));
      expect((await client.readTarget('app/1.0.0.json')).toString()).to.equal(CONTENT);
    });
  }
  it('tries all bad bytes', () => expect(Object.keys(badBytes)).to.have.length(3));

  it('does not begin to read what is too large', async () => {
    expect(await codeOf(client.readTarget('app/1.0.0.json', { maxBytes: 5 }))).to.equal('target-too-large');
    repository.addArtifact('release-app', 'app/big.json', ' '.repeat(LIMITS.trustTargetBytes + 1));
    repository.publish('release-app', 'snapshot', 'timestamp');
    expect(await codeOf(client.readTarget('app/big.json'))).to.equal('target-too-large');
  });

  it('finds nothing when the refresh fails, though the stored set lists it', async () => {
    await client.readTarget('app/1.0.0.json');
    const offline: TrustSource = {
      ...live,
      fetchMetadata: () => {
        throw new TransientError('failed to fetch: no route');
      },
    };
    expect(await errorOf(newClient(offline).findTarget('app/1.0.0.json'))).to.be.instanceOf(TransientError);
    expect(await codeOf(newClient(live, 40).findTarget('app/1.0.0.json'))).to.equal('metadata-expired');
  });

  it('forgets what is listed no more, and still refuses the older set that listed it', async () => {
    await client.readTarget('app/1.0.0.json');
    const old = memorySource(new Map(repository.files));
    delete repository.delegatedRole('release-app').targets['app/1.0.0.json'];
    repository.addArtifact('release-app', 'app/1.1.0.json', '{"release":11}');
    repository.publish('release-app', 'snapshot', 'timestamp');
    await client.readTarget('app/1.1.0.json');
    expect(loadVerifiedTarget(db, 'app/1.0.0.json')).to.equal(undefined);
    const before = stored();
    const replaying = newClient({ ...live, fetchMetadata: old.fetchMetadata });
    expect(await codeOf(replaying.readTarget('app/1.0.0.json'))).to.equal('metadata-version-unexpected');
    expect([stored(), loadVerifiedTarget(db, 'app/1.0.0.json')]).to.deep.equal([before, undefined]);
  });

  const SILENT_ROLES = ['root', 'snapshot', 'targets', 'release-app'] as const;
  for (const role of SILENT_ROLES) {
    it(`says what to do when ${role} has expired, and comes back by itself once it is renewed`, async () => {
      await client.findTarget('app/1.0.0.json');
      const before = stored();
      repository.timestamp.expires = tufDate(Date.now() + 60 * DAY_MS);
      for (const other of SILENT_ROLES)
        repository.signedOf(other).expires = tufDate(Date.now() + (other === role ? 10 : 60) * DAY_MS);
      repository.publish('root', 'release-app', 'targets', 'snapshot', 'timestamp');
      await client.findTarget('app/1.0.0.json');
      const current = stored();
      expect(current).to.not.equal(before);
      const later = newClient(live, 20);
      const refusal = await errorOf(later.readTarget('app/1.0.0.json'));
      expect(refusal).to.deep.include({ code: 'metadata-expired' });
      expect((refusal as RejectedError).message).to.match(new RegExp(`${role}\\.json is expired$`));
      expect((refusal as RejectedError).hint).to.include('`keyturn doctor` says what has expired');
      expect(stored()).to.equal(current);
      repository.signedOf(role).expires = tufDate(Date.now() + 60 * DAY_MS);
      repository.publish(...(role === 'root' ? ['root'] : [role, 'snapshot']), 'timestamp');
      expect((await later.readTarget('app/1.0.0.json')).toString()).to.equal(CONTENT);
    });
  }

  it('says of a timestamp that has expired who renews it', async () => {
    repository.timestamp.expires = tufDate(Date.now() + DAY_MS);
    repository.publish('timestamp');
    const refusal = await errorOf(newClient(live, 2).readTarget('app/1.0.0.json'));
    expect(refusal).to.deep.include({ code: 'metadata-expired' });
    expect((refusal as RejectedError).hint).to.include('the control plane renews the timestamp by itself');
  });

  it('runs calls one after the other, so that none loses what another adopted', async () => {
    const results = await Promise.all([client.refresh(), client.findTarget('app/1.0.0.json'), client.refresh()]);
    expect(results.map((result) => (result && 'kind' in result ? result.kind : 'found'))).to.deep.equal([
      'fresh',
      'found',
      'fresh',
    ]);
    expect(stored()).to.equal('release-app 1, root 1, snapshot 2, targets 2, timestamp 2');
  });

  it('goes on after a call that failed', async () => {
    const failing = client.readTarget('app/none.json');
    const following = client.readTarget('app/1.0.0.json');
    expect(await codeOf(failing)).to.equal('target-unknown');
    expect((await following).toString()).to.equal(CONTENT);
  });

  it('adopts nothing when another process adopted meanwhile', async () => {
    const before = loadTrusted(db);
    const racing: TrustSource = {
      ...live,
      fetchMetadata: (name) => {
        if (name === 'timestamp.json')
          adoptTrusted(db, before, new Map([...before, ['x.json', Buffer.from('{}')]]), { adoptedAt: new Date() });
        return live.fetchMetadata(name);
      },
    };
    expect((await errorOf(newClient(racing).refresh())).message).to.include('another set was adopted meanwhile');
    expect([...loadTrusted(db).keys()].sort()).to.deep.equal(['root.json', 'x.json']);
  });

  it('is not enrolled without a root: the refresh says so and stores nothing', async () => {
    db.exec('delete from trusted_metadata');
    const outcome = await client.refresh();
    expect(outcome.kind === 'failed' && outcome.error).to.deep.include({ code: 'trusted-root-missing' });
    expect(stored()).to.equal('');
  });

  describe('an enrolment bundle with a baseline (P2)', () => {
    it('keeps a fresh agent from an older state that is still valid; without the baseline it would be taken', async () => {
      const old = new Map(repository.files);
      repository.addArtifact('release-app', 'app/1.1.0.json', 'newer');
      repository.publish('release-app', 'targets', 'snapshot', 'timestamp');
      const replay = newClient(memorySource(old));
      expect((await replay.refresh()).kind, 'root alone').to.equal('fresh');

      const roles = ['root', 'timestamp', 'snapshot', 'targets'];
      enrol(new Map(roles.map((role) => [`${role}.json`, repository.newest(role)])));
      const outcome = await replay.refresh();
      expect(outcome.kind === 'failed' && outcome.error).to.deep.include({ code: 'metadata-version-unexpected' });
      expect(stored()).to.equal('root 1, snapshot 3, targets 3, timestamp 3');
      expect((await client.refresh()).kind, 'the honest repository').to.equal('fresh');
    });
  });

  describe('the policy', () => {
    const key = generateKey();
    const policy = {
      version: 1,
      approvers: [{ keyId: key.keyId, publicKey: key.publicKeyPem, holder: 'Anna', team: 'operations' }],
      rules: [
        {
          match: {},
          quorum: [{ team: 'operations', count: 1 }],
          separation: true,
          maxLeaseMs: 1000,
          freshnessGraceMs: 1000,
        },
      ],
      subGaps: { accept: [] },
      gates: { required: ['G5'] },
      checkKinds: { allowed: ['exec'] },
      sandbox: 'required',
      forbidden: [],
      timestampExpiresMs: 3_600_000,
      retention: { keep: 2 },
    };
    const means = () => ({ trust: client, trusted: () => loadTrusted(db), now: () => new Date() });
    const publish = (tree: object) => {
      repository.timestamp.expires = tufDate(Date.now() + policy.timestampExpiresMs);
      repository.addArtifact('targets', 'policy.json', JSON.stringify(tree));
      repository.publish('targets', 'snapshot', 'timestamp');
    };

    it('is read from the trust root, and known after a restart out of touch', async () => {
      expect(loadLastPolicy(db)).to.equal(undefined);
      publish(policy);
      const read = await readPolicy(means());
      expect(read.policy.approvers[0]?.holder).to.equal('Anna');
      expect(JSON.parse(read.bytes.toString())).to.deep.equal(policy);
      db.close();
      db = openTrustDatabase(join(folder, 'trust.sqlite'));
      expect(loadLastPolicy(db)?.retention.keep).to.equal(2);
    });

    it('follows the repository', async () => {
      publish(policy);
      await readPolicy(means());
      publish({ ...policy, retention: { keep: 9 } });
      expect((await readPolicy(means())).policy.retention.keep).to.equal(9);
    });

    it('bounds the life of the timestamp that it came with, give or take a minute of the clocks (P2)', async () => {
      publish(policy);
      const stamp = (lifeMs: number) => {
        repository.timestamp.expires = tufDate(Date.now() + lifeMs);
        repository.publish('timestamp');
      };
      stamp(policy.timestampExpiresMs + LIMITS.clockDifferenceMs);
      expect((await readPolicy(means())).policy.version).to.equal(1);
      stamp(policy.timestampExpiresMs + 2 * LIMITS.clockDifferenceMs);
      const refusal = await errorOf(readPolicy(means()));
      expect(refusal).to.deep.include({ code: 'timestamp-outlives-policy' });
      expect((refusal as RejectedError).hint).to.match(/^compare the clocks of host and control plane, set right/);
      stamp(policy.timestampExpiresMs);
      expect((await readPolicy(means())).policy.version).to.equal(1);
    });

    it('that is signed but invalid is refused, and so is a host without one', async () => {
      expect(await codeOf(readPolicy(means()))).to.equal('target-unknown');
      publish({ ...policy, surprise: true });
      expect(await codeOf(readPolicy(means()))).to.equal('policy-invalid');
    });
  });
});
