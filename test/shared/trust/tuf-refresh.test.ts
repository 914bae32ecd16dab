import { expect } from 'chai';

import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { type MetadataSource, memorySource } from '../../../shared/trust/source.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import {
  type RefreshRequest,
  type RefreshResult,
  refreshTrust,
  type TrustedMetadata,
} from '../../../shared/trust/tuf-refresh.ts';
import { newTestKey, sha256Hex } from '../../support/tuf-keys.ts';
import { DAY_MS, TufRepository, tufDate } from '../../support/tuf-repository.ts';

function refresh(repository: TufRepository, options: Partial<RefreshRequest> = {}): Promise<RefreshResult> {
  const trusted = new Map([['root.json', repository.firstRoot]]);
  return refreshTrust({
    trusted,
    source: memorySource(repository.files),
    targets: 'top-level',
    rules: 'keyturn',
    ...options,
  });
}

function outcomeOf({ outcome }: RefreshResult): string {
  if (outcome.kind === 'fresh') return 'fresh';
  return outcome.error instanceof RejectedError ? outcome.error.code : `transient: ${outcome.error.message}`;
}

function versionsOf(trusted: TrustedMetadata): string {
  return [...trusted]
    .map(([name, bytes]) => `${name.replace('.json', '')} ${versionOf(bytes)}`)
    .sort()
    .join(', ');
}

/** The memory source, with one file replaced by what a function yields. */
function sourceWith(
  repository: TufRepository,
  name: string,
  replacement: () => AsyncIterable<Uint8Array>,
): MetadataSource {
  const honest = memorySource(repository.files);
  return { fetchMetadata: (wanted) => (wanted === name ? replacement() : honest.fetchMetadata(wanted)) };
}

describe('shared/trust/tuf-refresh', function () {
  this.timeout(30_000);
  it('says until when the set is fresh, and gives every file back byte for byte', async () => {
    const repository = new TufRepository();
    const result = await refresh(repository);
    expect(result.outcome).to.deep.equal({ kind: 'fresh', freshUntil: new Date(repository.timestamp.expires) });
    expect(versionsOf(result.trusted)).to.equal('root 1, snapshot 1, targets 1, timestamp 1');
    for (const [name, bytes] of result.trusted) {
      expect(Buffer.from(bytes).equals(repository.newest(name.replace('.json', ''))), name).to.equal(true);
    }
  });

  it('does not touch the set that it was given', async () => {
    const repository = new TufRepository();
    const trusted = new Map([['root.json', repository.firstRoot]]);
    const copy = Buffer.from(repository.firstRoot);
    await refresh(repository, { trusted });
    expect([...trusted.keys()]).to.deep.equal(['root.json']);
    expect(repository.firstRoot.equals(copy)).to.equal(true);
  });

  it('judges expiry by the instant it is given', async () => {
    const repository = new TufRepository();
    const atDay = (day: number) => refresh(repository, { now: new Date(Date.now() + day * DAY_MS) });
    expect(outcomeOf(await atDay(29))).to.equal('fresh');
    expect(outcomeOf(await atDay(31))).to.equal('metadata-expired');
  });

  it('calls a set frozen when nothing newer came and the timestamp ran out', async () => {
    const repository = new TufRepository();
    repository.timestamp.expires = tufDate(Date.now() + DAY_MS);
    repository.publish('timestamp');
    const { trusted } = await refresh(repository);
    const later = await refresh(repository, { trusted, now: new Date(Date.now() + 2 * DAY_MS) });
    expect(outcomeOf(later)).to.equal('metadata-expired');
    expect(versionsOf(later.trusted)).to.equal(versionsOf(trusted));
  });

  describe('for those who sign anew what has run out', () => {
    const ROLES = ['root', 'snapshot', 'targets', 'release-app'] as const;
    const inForce = async () => {
      const repository = new TufRepository();
      repository.addDelegation('targets', 'release-app', { terminating: true, paths: ['app/*'] });
      repository.addArtifact('release-app', 'app/1.0.json', '{}');
      repository.publish('release-app', 'targets', 'snapshot', 'timestamp');
      const { trusted } = await refresh(repository, { targets: ['app/1.0.json'] });
      return { repository, trusted };
    };
    /** A day from now all of these are a second old, and the timestamp is not. */
    const now = new Date(Date.now() + DAY_MS);
    const ended = tufDate(now.getTime() - 1000);
    const publishEnded = (repository: TufRepository, role: (typeof ROLES)[number]) => {
      repository.signedOf(role).expires = ended;
      repository.publish(role, ...(role === 'root' ? [] : (['snapshot'] as const)), 'timestamp');
    };

    for (const role of ROLES) {
      it(`tells that ${role} has run out, gives the newest set, and refuses it to everybody else`, async () => {
        const { repository, trusted } = await inForce();
        publishEnded(repository, role);
        const told = await refresh(repository, { trusted, now, expiry: 'told', targets: ['app/1.0.json'] });
        expect([outcomeOf(told), told.expired]).to.deep.equal(['fresh', [role]]);
        expect(Buffer.from(told.trusted.get(`${role}.json`) ?? []).equals(repository.newest(role))).to.equal(true);
        expect(told.targets.get('app/1.0.json')?.length).to.equal(2);
        const refused = await refresh(repository, { trusted, now, targets: ['app/1.0.json'] });
        expect([outcomeOf(refused), refused.expired]).to.deep.equal(['metadata-expired', []]);
      });
    }

    it('tells of the roles of this walk alone, and of none when nothing has run out', async () => {
      const { repository, trusted } = await inForce();
      publishEnded(repository, 'release-app');
      const seen = await refresh(repository, { trusted, now, expiry: 'told', targets: ['app/1.0.json'] });
      expect((await refresh(repository, { trusted: seen.trusted, now, expiry: 'told' })).expired).to.deep.equal([]);
      expect((await refresh(repository, { trusted, expiry: 'told' })).expired).to.deep.equal([]);
    });

    const ATTACKS: {
      [sentence: string]: { attack: (repository: TufRepository) => void; code: string; saved: string };
    } = {
      'a timestamp that has run out: nobody says that the rest is the newest': {
        attack: (repository) => {
          repository.timestamp.expires = ended;
          repository.publish('timestamp');
        },
        code: 'metadata-expired',
        saved: 'release-app 1, root 1, snapshot 2, targets 2, timestamp 3',
      },
      'a snapshot of before, under a timestamp that is new': {
        attack: (repository) => {
          const old = repository.publishedAs('snapshot', 1);
          const listing = { version: 1, length: old.length, hashes: { sha256: sha256Hex(old) } };
          repository.timestamp.meta['snapshot.json'] = listing;
          repository.publish('timestamp');
        },
        code: 'metadata-version-unexpected',
        saved: 'release-app 1, root 1, snapshot 2, targets 2, timestamp 2',
      },
      'targets signed by a key that does not count': {
        attack: (repository) => {
          repository.targets.expires = ended;
          repository.signers.set('targets', [newTestKey()]);
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        code: 'metadata-not-trusted',
        saved: 'release-app 1, root 1, snapshot 3, targets 2, timestamp 3',
      },
      'a root signed by a key that does not count': {
        attack: (repository) => {
          repository.signers.set('root', [newTestKey()]);
          repository.publish('root');
        },
        code: 'metadata-not-trusted',
        saved: 'release-app 1, root 1, snapshot 2, targets 2, timestamp 2',
      },
      'targets that are not those of the snapshot': {
        attack: (repository) => {
          repository.targets.expires = ended;
          repository.publish('targets', 'snapshot', 'timestamp');
          repository.targets.expires = tufDate(now.getTime() - 2000);
          repository.publishAsIs('targets');
          repository.published.get('targets')?.splice(2, 1);
        },
        code: 'metadata-not-trusted',
        saved: 'release-app 1, root 1, snapshot 3, targets 2, timestamp 3',
      },
    };
    for (const [sentence, { attack, code, saved }] of Object.entries(ATTACKS)) {
      it(`still refuses ${sentence}`, async () => {
        const { repository, trusted } = await inForce();
        attack(repository);
        const result = await refresh(repository, { trusted, now, expiry: 'told' });
        expect([outcomeOf(result), versionsOf(result.trusted)]).to.deep.equal([code, saved]);
      });
    }
    it('tries five attacks', () => expect(Object.keys(ATTACKS)).to.have.length(5));
  });

  it('finds several targets in one refresh, each judged by the role that delegates to it', async () => {
    const repository = new TufRepository();
    repository.addDelegation('targets', 'A', { paths: ['a/*'] });
    repository.addDelegation('targets', 'B', { paths: ['b/*'] });
    repository.addDelegation('A', 'C', { paths: ['a/*'] });
    const keysThatATrusts = repository.signers.get('C') ?? [];
    repository.addDelegation('B', 'C', { paths: ['b/*'] });
    repository.signers.set('C', keysThatATrusts);
    repository.addArtifact('C', 'a/x', 'what A lets C give');
    repository.addArtifact('C', 'b/x', 'what B lets another C give');
    repository.publish('A', 'B', 'C', 'targets', 'snapshot', 'timestamp');
    const one = await refresh(repository, { rules: 'tuf', targets: ['a/x', 'a/none'] });
    expect(one.targets.get('a/x')?.length).to.equal(18);
    expect(one.targets.has('a/none') && one.targets.get('a/none')).to.equal(undefined);
    const both = await refresh(repository, { rules: 'tuf', targets: ['a/x', 'b/x'] });
    expect(outcomeOf(both)).to.equal('metadata-not-trusted');
    expect(both.targets.size).to.equal(0);
  });

  it('does not find what every object has', async () => {
    const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
    const { targets } = await refresh(new TufRepository(), { targets: names });
    for (const name of names) expect(targets.get(name), name).to.equal(undefined);
  });

  describe("Keyturn's own rules", () => {
    const cases: { [sentence: string]: { break: (repository: TufRepository) => void; code: string; trusted: string } } =
      {
        'refuse one key under two ids, which would meet a threshold of two': {
          break: (repository) => {
            const [key] = repository.signers.get('timestamp') ?? [];
            if (key === undefined) throw new Error('expected a key');
            repository.root.keys['0'.repeat(64)] = key.json;
            repository.root.roles.timestamp = { keyids: [key.keyId, '0'.repeat(64)], threshold: 2 };
            repository.signers.set('timestamp', [key, { ...key, keyId: '0'.repeat(64) }]);
            repository.publish('root', 'timestamp');
          },
          code: 'public-key-repeated',
          trusted: 'root 1',
        },
        'refuse a root with an ECDSA key': {
          break: (repository) => {
            repository.addKey('targets', newTestKey('ecdsa'));
            repository.publish('root', 'targets', 'snapshot', 'timestamp');
          },
          code: 'key-is-not-ed25519',
          trusted: 'root 1',
        },
        'refuse a target without a digest, after timestamp and snapshot': {
          break: (repository) => {
            repository.targets.targets['a/b'] = { length: 2, hashes: {} };
            repository.publish('targets', 'snapshot', 'timestamp');
          },
          code: 'sha256-missing',
          trusted: 'root 1, snapshot 2, timestamp 2',
        },
        'refuse listings without digests': {
          break: (repository) => {
            repository.hasHashedListings = false;
            repository.publish('snapshot', 'timestamp');
          },
          code: 'length-invalid',
          trusted: 'root 1',
        },
        'refuse an expiry that the calendar does not have': {
          break: (repository) => {
            repository.snapshot.expires = '2099-02-30T00:00:00Z';
            repository.publish('snapshot', 'timestamp');
          },
          code: 'expires-invalid',
          trusted: 'root 1, timestamp 2',
        },
        'refuse unknown fields': {
          break: (repository) => {
            repository.timestamp.extra = 1;
            repository.publish('timestamp');
          },
          code: 'metadata-field-unknown',
          trusted: 'root 1',
        },
      };
    for (const [sentence, { break: breakIt, code, trusted }] of Object.entries(cases)) {
      it(`${sentence}; the specification does not`, async () => {
        const repository = new TufRepository();
        breakIt(repository);
        const strict = await refresh(repository);
        expect(outcomeOf(strict)).to.equal(code);
        expect(versionsOf(strict.trusted)).to.equal(trusted);
        expect(outcomeOf(await refresh(repository, { rules: 'tuf' }))).to.equal('fresh');
      });
    }
    it('have a row each', () => expect(Object.keys(cases)).to.have.length(6));

    it('hold for the trusted root as well, before anything is fetched', async () => {
      const repository = new TufRepository();
      repository.allowKey('targets', newTestKey('ecdsa'));
      repository.publish('root');
      const trusted = new Map([['root.json', repository.newest('root')]]);
      const source: MetadataSource = {
        fetchMetadata: (name) => {
          throw new Error(`unexpected request for ${name}`);
        },
      };
      expect(outcomeOf(await refresh(repository, { trusted, source }))).to.equal('key-is-not-ed25519');
    });
  });

  describe('a source in trouble', () => {
    it('that cannot be reached is no reason to distrust it: the error says to try again', async () => {
      const repository = new TufRepository();
      const unreachable = new TransientError('failed to fetch: connection refused');
      const { outcome } = await refresh(repository, {
        source: sourceWith(repository, '1.snapshot.json', async function* () {
          yield Buffer.from('{');
          throw unreachable;
        }),
      });
      expect(outcome).to.deep.equal({ kind: 'failed', error: unreachable });
    });

    it('that lacks a file is to be asked again too', async () => {
      const repository = new TufRepository();
      repository.unpublish('targets');
      const result = await refresh(repository);
      expect(outcomeOf(result)).to.equal('transient: failed to fetch "1.targets.json": the source has no such file');
      expect(versionsOf(result.trusted)).to.equal('root 1, snapshot 1, timestamp 1');
    });

    it('that throws something else is wrapped, with the cause', async () => {
      const repository = new TufRepository();
      const source = sourceWith(repository, 'timestamp.json', () => {
        throw new RangeError('boom');
      });
      const { outcome } = await refresh(repository, { source });
      expect(outcome.kind === 'failed' && outcome.error).to.be.instanceOf(TransientError);
      expect(outcome.kind === 'failed' && (outcome.error.cause as Error).message).to.equal('boom');
    });

    it('that pours without an end is left, and its stream is closed', async () => {
      const repository = new TufRepository();
      let sentBytes = 0;
      let isClosed = false;
      const source = sourceWith(repository, 'timestamp.json', async function* () {
        try {
          for (;;) {
            sentBytes += 1024;
            yield Buffer.alloc(1024, ' ');
          }
        } finally {
          isClosed = true;
        }
      });
      expect(outcomeOf(await refresh(repository, { source }))).to.equal('metadata-too-large');
      expect(isClosed).to.equal(true);
      expect(sentBytes).to.be.at.most(LIMITS.trustMetadataBytes);
    });

    it('that sends bytes which are no UTF-8 is refused under any rules', async () => {
      const repository = new TufRepository();
      const source = sourceWith(repository, 'timestamp.json', async function* () {
        yield Buffer.from([0x22, 0xff, 0x22]);
      });
      expect(outcomeOf(await refresh(repository, { source, rules: 'tuf' }))).to.equal('metadata-malformed');
    });
  });

  it('ends without a root, with an empty one, and with one that is not signed', async () => {
    const repository = new TufRepository();
    const unsigned = JSON.stringify({ ...JSON.parse(repository.firstRoot.toString()), signatures: [] });
    expect(outcomeOf(await refresh(repository, { trusted: new Map() }))).to.equal('trusted-root-missing');
    for (const rules of ['keyturn', 'tuf'] as const) {
      const empty = await refresh(repository, { rules, trusted: new Map([['root.json', Buffer.alloc(0)]]) });
      expect(outcomeOf(empty)).to.equal(rules === 'keyturn' ? 'metadata-malformed' : 'metadata-not-trusted');
    }
    const result = await refresh(repository, { trusted: new Map([['root.json', Buffer.from(unsigned)]]) });
    expect(outcomeOf(result)).to.equal('metadata-not-trusted');
  });

  it('judges a publication as a client of the previous state would, before it is public', async () => {
    const repository = new TufRepository();
    const { trusted } = await refresh(repository);
    repository.publish('targets', 'snapshot', 'timestamp');
    expect(outcomeOf(await refresh(repository, { trusted }))).to.equal('fresh');
    repository.targets.version = 0;
    repository.unpublish('targets');
    repository.publishAsIs('targets');
    repository.publish('snapshot', 'timestamp');
    expect(outcomeOf(await refresh(repository, { trusted }))).to.not.equal('fresh');
  });
});
