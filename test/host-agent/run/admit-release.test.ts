/** P1, P2: what a host is told to install, and what it makes of it. Whatever is refused leaves nothing behind. */
import { expect } from 'chai';
import type { AdmissionRequest } from '../../../host-agent/run/admit-release.ts';
import { loadTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodePlan, type Plan } from '../../../shared/release/plan.ts';
import { encodeReleaseStatement } from '../../../shared/release/release-statement.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { POLICY_PATH } from '../../../shared/trust/tuf-metadata.ts';
import { addRelease, removeReleases, rotateRoot } from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { signMetadata } from '../../../shared/trust/tuf-signing.ts';
import { codeOf } from '../../support/errors-of.ts';
import { absentCheck, INSTALL_ROOT, NOW, planOf, policyBytes, SignedWorld } from './signed-world.ts';
import { storedName, type TrustRootOptions } from './trust-root.ts';

interface AttackRow {
  readonly world?: Partial<TrustRootOptions>;
  /** Sets the attack up, and gives what the directive names. */
  readonly arrange: (world: SignedWorld) => AdmissionRequest;
  readonly code: string;
}

const TARGET = 'app/1.0.json';

const STATEMENTS: Record<string, AttackRow> = {
  'the statement of another application under this path': {
    arrange: (world) => world.publish({ plan: { app: 'other' }, target: TARGET }).request,
    code: 'release-of-another-name',
  },
  'the statement of another version under this path': {
    arrange: (world) => world.publish({ plan: { version: '0.9' }, target: TARGET }).request,
    code: 'release-of-another-name',
  },
  'another statement than the one that was ordered': {
    arrange: (world) => ({ ...world.publish().request, statementDigest: sha256('the one that was meant') }),
    code: 'release-not-as-ordered',
  },
  'an order that names no statement at all': {
    arrange: (world) => ({ ...world.publish().request, statementDigest: '' }),
    code: 'release-not-as-ordered',
  },
  'a statement with a member that this agent does not know': {
    arrange: (world) => {
      const { statement } = world.build({});
      return world.publish({ bytes: { statement: encodeCanonical({ ...statement, live: true }) } }).request;
    },
    code: 'release-statement-malformed',
  },
  'a statement of another schema': {
    arrange: (world) => {
      const { statement } = world.build({});
      const bytes = encodeCanonical({ ...statement, schema: 'keyturn.release/v2' });
      return world.publish({ bytes: { statement: bytes } }).request;
    },
    code: 'release-statement-malformed',
  },
  'a statement with a second spelling': {
    arrange: (world) => {
      const spaced = Buffer.from(JSON.stringify(world.build({}).statement, null, 1));
      return world.publish({ bytes: { statement: spaced } }).request;
    },
    code: 'not-canonical-json',
  },
  'the policy in place of a release': {
    arrange: () => ({ target: POLICY_PATH, statementDigest: sha256(policyBytes()) }),
    code: 'release-statement-malformed',
  },
  'a path that climbs': {
    arrange: (world) => {
      world.publish();
      return { target: `app/../${TARGET}`, statementDigest: undefined };
    },
    code: 'target-unknown',
  },
  'a path that every object has': {
    arrange: () => ({ target: 'constructor', statementDigest: undefined }),
    code: 'target-unknown',
  },
  'no path': { arrange: () => ({ target: '', statementDigest: undefined }), code: 'target-unknown' },
};

const CONTENT: Record<string, AttackRow> = {
  'the plan of another application': {
    arrange: (world) => world.publish({ bytes: { plan: encodePlan({ ...planOf(), app: 'other' }) } }).request,
    code: 'plan-of-another-release',
  },
  'the plan of another version': {
    arrange: (world) => world.publish({ bytes: { plan: encodePlan({ ...planOf(), version: '0.9' }) } }).request,
    code: 'plan-of-another-release',
  },
  'a tree digest that is not the one of the manifest': {
    arrange: (world) => world.publish({ statement: { treeDigest: sha256('another tree') } }).request,
    code: 'tree-digest-differs',
  },
  ...tamperedRows('plan'),
  ...tamperedRows('manifest'),
  ...tamperedRows('buildRecord'),
  'a plan that is too large, by its signed size': sizeRow('plan', LIMITS.planBytes),
  'a manifest that is too large, by its signed size': sizeRow('manifest', LIMITS.manifestBytes),
  'a build record that is too large, by its signed size': sizeRow('buildRecord', LIMITS.buildRecordBytes),
  'a plan with a second spelling': {
    arrange: (world) => world.publish({ bytes: { plan: Buffer.from(JSON.stringify(planOf(), null, 1)) } }).request,
    code: 'not-canonical-json',
  },
  'a plan with a member that this agent does not know': {
    arrange: (world) => world.publish({ bytes: { plan: encodeCanonical({ ...planOf(), after: ['sh'] }) } }).request,
    code: 'plan-malformed',
  },
  'a plan in which two checks have one name': {
    arrange: (world) => world.publish(gatesSpec([absentCheck(), absentCheck()])).request,
    code: 'check-id-repeated',
  },
  'a manifest that climbs out of the tree': {
    arrange: (world) => {
      const file = { kind: 'file', path: '../evil', mode: 0o644, size: 1, sha256: sha256('x') };
      const manifest = encodeCanonical({ schema: 'keyturn.manifest/v1', entries: [file] });
      return world.publish({ bytes: { manifest } }).request;
    },
    code: 'path-dot-segment',
  },
  'a build record that is none': {
    arrange: (world) => world.publish({ bytes: { buildRecord: encodeCanonical({ checks: [] }) } }).request,
    code: 'build-record-malformed',
  },
  'a build record that no ledger entry can hold': {
    arrange: (world) => {
      const observation = { output: 'x'.repeat(LIMITS.ledgerEntryBytes) };
      const checks = [{ check: 'g0.repository', gate: 'G0' as const, kind: 'repository', observation }];
      return world.publish({ buildRecord: { schema: 'keyturn.build-record/v1', checks } }).request;
    },
    code: 'build-record-too-large',
  },
};

const PLANS: Record<string, AttackRow> = {
  'a check of a kind that nobody knows': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'shell' }])).request,
    code: 'check-kind-unknown',
  },
  "a check of one of Keyturn's own kinds, although the policy names it": {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'rehearsal' }])).request,
    code: 'check-kind-unknown',
  },
  'a check of a kind that every object has': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'toString' }])).request,
    code: 'check-kind-unknown',
  },
  'a check of a kind that the policy does not allow': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), kind: 'tree', params: treeParams() }])).request,
    code: 'check-kind-not-allowed',
  },
  'a check whose parameters its kind refuses': {
    arrange: (world) => world.publish(gatesSpec([{ ...absentCheck(), params: { path: '.env', sh: 'id' } }])).request,
    code: 'check-params-malformed',
  },
  'a check with a shell string for a command': {
    arrange: (world) =>
      world.publish(gatesSpec([{ ...absentCheck(), kind: 'exec', params: { argv: 'id > /etc/owned' } }])).request,
    code: 'check-params-malformed',
  },
  'a plan without a gate that the policy requires': {
    arrange: (world) => world.publish({ plan: { gates: [{ gate: 'G6', checks: [absentCheck()] }] } }).request,
    code: 'gate-required-by-policy',
  },
  'a check that asks for the network where the policy forbids it': {
    arrange: (world) => {
      const params = { argv: ['curl', 'https://example.invalid'], network: true };
      return world.publish(gatesSpec([{ ...absentCheck(), kind: 'exec', params }])).request;
    },
    code: 'network-forbidden',
  },
  'an install root that the owner of the host does not allow': rootRow('/etc', 'install-root-not-allowed'),
  'an install root above one that is allowed': rootRow('/opt', 'install-root-not-allowed'),
  'an install root below one that is allowed': rootRow(`${INSTALL_ROOT}/old`, 'install-root-not-allowed'),
  'an install root that begins like one that is allowed': rootRow(`${INSTALL_ROOT}-2`, 'install-root-not-allowed'),
  'an install root in capitals': rootRow('/OPT/dot', 'install-root-not-allowed'),
  'an install root with a line break behind it': rootRow(`${INSTALL_ROOT}\n`, 'install-root-not-allowed'),
  'an install root with a slash behind it': rootRow(`${INSTALL_ROOT}/`, 'plan-malformed'),
  'an install root with a slash more': rootRow('/opt//dot', 'plan-malformed'),
  'an install root that climbs': rootRow('/srv/../opt/dot', 'plan-malformed'),
  'an install root with a dot segment': rootRow('/opt/./dot', 'plan-malformed'),
  'an install root with a NUL': rootRow(`${INSTALL_ROOT}\0`, 'plan-malformed'),
  'an install root that is relative': rootRow('opt/dot', 'plan-malformed'),
};

const TRUST: Record<string, AttackRow> = {
  'a release of an application that nobody was delegated': {
    arrange: (world) => {
      world.publish();
      const { bytes } = world.build({ plan: { app: 'other' } });
      world.trustRoot.serveTarget('other/1.0.json', bytes);
      return { target: 'other/1.0.json', statementDigest: sha256(bytes) };
    },
    code: 'target-unknown',
  },
  'a release whose releasers were dismissed': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.changeTargets({ removedApps: ['app'] });
      return request;
    },
    code: 'target-unknown',
  },
  'a release that was taken off the list': {
    arrange: (world) => {
      const { request } = world.publish();
      withdraw(world);
      return request;
    },
    code: 'target-unknown',
  },
  'a release that a stranger signed': signedByRow(() => [generateKey()]),
  'a release that the key of the snapshot signed': signedByRow(({ trustRoot }) => [trustRoot.keys.snapshot]),
  'a release that one of two needed releasers signed': {
    ...signedByRow(({ trustRoot }) => [trustRoot.keys.release[0]]),
    world: { threshold: 2 },
  },
  'a release that one of two needed releasers signed twice': {
    world: { threshold: 2 },
    arrange: (world) => {
      const request = signedByRow(({ trustRoot }) => [trustRoot.keys.release[0]]).arrange(world);
      tamper(world, (document) => document.signatures.push(...document.signatures));
      return request;
    },
    code: 'signature-repeated',
  },
  'a statement that was changed behind its signatures': {
    arrange: (world) => {
      const { request, statement } = world.publish();
      const evil = encodeReleaseStatement({ ...statement, treeDigest: sha256('evil') });
      world.trustRoot.targetFiles.set(storedName(TARGET, encodeReleaseStatement(statement)), evil);
      return request;
    },
    code: 'target-differs',
  },
  'a list of releases that was changed behind its signatures': {
    arrange: (world) => {
      const { request } = world.publish();
      tamper(world, ({ signed }) => {
        signed.version = 9;
      });
      return request;
    },
    code: 'metadata-not-trusted',
  },
  'a timestamp that has expired': {
    arrange: (world) => {
      const { request } = world.publish();
      world.trustRoot.stamp(new Date(NOW.getTime() - 1000));
      return request;
    },
    code: 'metadata-expired',
  },
  'a timestamp that would be fresh by the clock of the day before': {
    arrange: (world) => {
      const { request } = world.publish();
      world.now = new Date(NOW.getTime() + 2 * 24 * 3_600_000);
      return request;
    },
    code: 'metadata-expired',
  },
  'a release that came behind the newest timestamp that is shown': {
    arrange: (world) => {
      const old = world.trustRoot.newest('timestamp');
      const { request } = world.publish();
      world.trustRoot.files.set('timestamp.json', old);
      return request;
    },
    code: 'target-unknown',
  },
  'a withdrawn release, by a snapshot of a lower version inside a newer timestamp': {
    arrange: (world) => {
      const { trustRoot } = world;
      const { request } = world.publish();
      const withRelease = trustRoot.newest('snapshot');
      withdraw(world);
      remember(world);
      trustRoot.serve('snapshot', withRelease);
      trustRoot.stamp(new Date(NOW.getTime() + 60_000));
      return request;
    },
    code: 'metadata-version-unexpected',
  },
  'a withdrawn release, by a replayed timestamp': {
    arrange: (world) => {
      const { trustRoot } = world;
      const { request } = world.publish();
      const withRelease = trustRoot.newest('timestamp');
      withdraw(world);
      remember(world);
      trustRoot.files.set('timestamp.json', withRelease);
      return request;
    },
    code: 'metadata-version-unexpected',
  },
  'an older policy in place of the one in force': {
    arrange: (world) => {
      const [older, inForce] = [policyBytes(), policyBytes({ sandbox: 'optional' })];
      world.trustRoot.changePolicy(inForce);
      const { request } = world.publish();
      world.trustRoot.targetFiles.set(storedName(POLICY_PATH, inForce), older);
      return request;
    },
    code: 'target-differs',
  },
  'a policy that is none': {
    arrange: (world) => {
      world.trustRoot.changePolicy(Buffer.from('{"version":1}'));
      return world.publish().request;
    },
    code: 'policy-invalid',
  },
  'a root that was rotated by strangers': {
    arrange: (world) => {
      const { request } = world.publish();
      const { trustRoot } = world;
      const stranger = generateKey();
      const holders = { root: { keys: [stranger], threshold: 1 } };
      const root = rotateRoot(trustRoot.newest('root'), holders, trustRoot.by(stranger));
      trustRoot.files.set('2.root.json', root);
      return request;
    },
    code: 'metadata-not-trusted',
  },
  'a source that cannot be reached': {
    arrange: (world) => {
      const { request } = world.publish();
      world.blobSource = {
        fetch: () => {
          throw new TransientError('failed to reach the control plane: the link is dialing');
        },
      };
      return request;
    },
    code: 'transient',
  },
};

describe('admitting a release', () => {
  it('P1: gives what was verified, and has written nothing but what it trusts', async () => {
    using world = new SignedWorld({ threshold: 2 });
    const { request, statement } = world.publish();
    const before = world.traces();
    const admitted = await world.admit(request);
    expect(admitted.release).to.deep.include({ statement, statementDigest: request.statementDigest });
    expect(admitted.release.plan.gates[0]?.checks[0]?.id).to.equal('no-env');
    expect(admitted.trust).to.deep.equal(['root 1', 'timestamp 2', 'snapshot 2', 'targets 1', 'release-app 2']);
    expect(sha256(admitted.materials.plan)).to.equal(statement.plan.sha256);
    expect(world.traces()).to.deep.equal(before);
  });

  it('names the metadata of this application alone, on a host with thirty others', async () => {
    using world = new SignedWorld();
    const { request } = world.publish();
    const insert = world.database.prepare("insert into trusted_metadata values (?, ?, '')");
    const names = Array.from({ length: 30 }, (_, index) => `release-other-${index}.json`);
    for (const name of names) insert.run(name, world.trustRoot.newest('release-app'));
    expect((await world.admit(request)).trust).to.have.length(5);
  });

  it('a check over loopback needs no network of its own', async () => {
    using world = new SignedWorld();
    const params = { url: 'http://127.0.0.1:8080/health', expect: { status: 200 } };
    const { request } = world.publish(gatesSpec([{ ...absentCheck(), kind: 'http', params }]));
    expect(await codeOf(() => world.admit(request))).to.equal(undefined);
  });

  it('a live entrypoint may declare a network: it is not started', async () => {
    using world = new SignedWorld();
    const live = { argv: ['run'], live: true, stopGates: [], network: true, writable: ['/var/lib/app'] };
    const { request } = world.publish({ plan: { entrypoints: { live } } });
    expect(await codeOf(() => world.admit(request))).to.equal(undefined);
  });

  for (const [title, rows, least] of [
    ['statement', STATEMENTS, 11],
    ['content', CONTENT, 22],
    ['plan', PLANS, 20],
    ['trust', TRUST, 16],
  ] as const) {
    describe(`P2: refuses, by its ${title},`, () => {
      it(`at least ${least} attacks`, () => {
        expect(Object.keys(rows).length).to.be.at.least(least);
      });
      for (const [attack, row] of Object.entries(rows)) {
        it(`${attack} (${row.code}), and nothing of it is left`, () => expectRefused(row));
      }
    });
  }
});

async function expectRefused({ arrange, code, world: options = {} }: AttackRow): Promise<void> {
  using world = new SignedWorld(options);
  const request = arrange(world);
  const before = world.traces();
  const root = loadTrusted(world.database).get('root.json');
  expect(await refusalOf(() => world.admit(request))).to.equal(code);
  expect(world.traces()).to.deep.equal(before);
  expect(loadTrusted(world.database).get('root.json')).to.deep.equal(root);
}

async function refusalOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    return await codeOf(work);
  } catch (error) {
    if (error instanceof TransientError) return 'transient';
    throw error;
  }
}

type Blob = 'plan' | 'manifest' | 'buildRecord';

/** The same blob, served wrong in several ways. */
function tamperedRows(blob: Blob): Record<string, AttackRow> {
  const served = (change: (bytes: Buffer) => Buffer | undefined): AttackRow => ({
    arrange: (world) => {
      const { request, statement } = world.publish();
      const digest = statement[blob].sha256;
      const changed = change(world.blobs.get(digest) ?? Buffer.alloc(0));
      if (changed) world.blobs.set(digest, changed);
      else world.blobs.delete(digest);
      return request;
    },
    code: 'blob-digest-differs',
  });
  return {
    [`a ${blob} with one bit changed`]: served((bytes) => {
      const changed = Buffer.from(bytes);
      changed[10] = (changed[10] ?? 0) ^ 1;
      return changed;
    }),
    [`a ${blob} that ends early`]: served((bytes) => bytes.subarray(0, -1)),
    [`a ${blob} with a byte too many`]: served((bytes) => Buffer.concat([bytes, Buffer.from(' ')])),
    [`a ${blob} that is missing`]: served(() => undefined),
  };
}

function sizeRow(blob: Blob, limit: number): AttackRow {
  return {
    arrange: (world) => {
      const honest = world.blobSource;
      world.blobSource = {
        fetch: (wants, options) => {
          if (wants.some(({ size }) => size > limit)) throw new Error('nobody may ask for it');
          return honest.fetch(wants, options);
        },
      };
      const reference = world.build({}).statement[blob];
      return world.publish({ statement: { [blob]: { ...reference, size: limit + 1 } } }).request;
    },
    code: 'blob-too-large',
  };
}

function gatesSpec(checks: Plan['gates'][number]['checks']): { plan: Partial<Plan> } {
  return { plan: { gates: [{ gate: 'G5', checks }] } };
}

function treeParams(): Plan['gates'][number]['checks'][number]['params'] {
  return { path: 'bin', equals: sha256('bin') };
}

function rootRow(root: string, code: string): AttackRow {
  return { arrange: (world) => world.publish({ plan: { install: { root, preserve: [] } } }).request, code };
}

function signedByRow(signersOf: (world: SignedWorld) => ReturnType<typeof generateKey>[]): AttackRow {
  return {
    arrange: (world) => {
      const { trustRoot } = world;
      const { bytes } = world.build({});
      const listed = { path: TARGET, length: bytes.length, sha256: sha256(bytes) };
      trustRoot.serveTarget(TARGET, bytes);
      const signing = trustRoot.by(...signersOf(world));
      trustRoot.serve('release-app', addRelease(trustRoot.newest('release-app'), listed, signing));
      trustRoot.freshen(['release-app']);
      return { target: TARGET, statementDigest: sha256(bytes) };
    },
    code: 'metadata-not-trusted',
  };
}

interface SignedDocument {
  signed: { version: number };
  signatures: unknown[];
}

/** Changes the newest list of releases behind its signatures, with the help of whoever holds the snapshot key. */
function tamper({ trustRoot }: SignedWorld, change: (document: SignedDocument) => void): void {
  const document = JSON.parse(trustRoot.newest('release-app').toString()) as SignedDocument;
  change(document);
  const bytes = Buffer.from(JSON.stringify(document));
  const { signed } = checkMetadata('snapshot', trustRoot.newest('snapshot'));
  const { version } = document.signed;
  const listed = { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
  const snapshot = { ...signed, version: signed.version + 1, meta: { ...signed.meta, 'release-app.json': listed } };
  trustRoot.files.set(`${version}.release-app.json`, bytes);
  trustRoot.serve('snapshot', signMetadata('snapshot', snapshot, [trustRoot.keys.snapshot]));
  trustRoot.stamp(new Date(NOW.getTime() + 60_000));
}

/** Takes the release off the list, as its releasers would. */
function withdraw({ trustRoot }: SignedWorld): void {
  const list = { app: 'app', paths: [TARGET] };
  const signing = trustRoot.by(...trustRoot.keys.release);
  trustRoot.serve('release-app', removeReleases(trustRoot.newest('release-app'), list, signing));
  trustRoot.freshen(['release-app']);
}

/** The host has seen what is newest. */
function remember({ database, trustRoot }: SignedWorld): void {
  const save = database.prepare('insert or replace into trusted_metadata (name, bytes, adopted_at) values (?, ?, ?)');
  for (const role of ['snapshot', 'timestamp', 'release-app'] as const) {
    save.run(`${role}.json`, trustRoot.newest(role), '');
  }
}
