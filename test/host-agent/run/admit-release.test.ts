/** P1, P2: what a host is told to install, and what it makes of it. Whatever is refused leaves nothing behind. */
import { expect } from 'chai';
import { admitRelease } from '../../../host-agent/run/admit-release.ts';
import { loadTrusted, resetTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/errors-of.ts';
import { type AttackRow, CONTENT, gatesSpec, PLANS, STATEMENTS } from './release-attacks.ts';
import { absentCheck, SignedWorld } from './signed-world.ts';
import { TRUST } from './trust-attacks.ts';

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

  it('asks for the plan, the manifest and the build record at the same time, and for what is trusted once', async () => {
    using world = new SignedWorld();
    const { request } = world.publish();
    const honest = world.blobSource;
    const asked = Promise.withResolvers<void>();
    let askedCount = 0;
    world.blobSource = {
      ...honest,
      fetch: async function* (wants, options) {
        askedCount += 1;
        if (askedCount === 3) asked.resolve();
        await asked.promise;
        yield* honest.fetch(wants, options);
      },
    };
    const { trust } = world.admissionMeans();
    let readings = 0;
    const counting: Pick<typeof trust, 'readTargets'> = {
      readTargets: (paths) => {
        readings += 1;
        return trust.readTargets(paths);
      },
    };
    await admitRelease(request, { ...world.admissionMeans(), trust: counting as typeof trust });
    expect(askedCount).to.equal(3);
    expect(readings).to.equal(1);
  });

  it('P1: nothing goes on behind a refusal: what was asked for beside it is called off', async () => {
    using world = new SignedWorld();
    const { request, statement } = world.publish();
    const honest = world.blobSource;
    const calledOff: string[] = [];
    world.blobSource = {
      ...honest,
      fetch: async function* (wants, { signal }) {
        const [{ sha256: digest } = { sha256: '' }] = wants;
        if (digest === statement.plan.sha256) throw new RejectedError('blob-missing', 'there is no such blob');
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        calledOff.push(digest);
        throw signal.reason;
      },
    };
    expect(await codeOf(() => world.admit(request))).to.equal('blob-missing');
    expect(calledOff).to.have.members([statement.manifest.sha256, statement.buildRecord.sha256]);
  });

  it('names the metadata of this application alone, on a host with thirty others', async () => {
    using world = new SignedWorld();
    const { request } = world.publish();
    const insert = world.database.prepare("insert into trusted_metadata values (?, ?, '')");
    const names = Array.from({ length: 30 }, (_, index) => `release-other-${index}.json`);
    for (const name of names) insert.run(name, world.trustRoot.newest('release-app'));
    expect((await world.admit(request)).trust).to.have.length(5);
  });

  it('a timestamp may live as long as the policy says, by a clock that is a minute ahead', async () => {
    using world = new SignedWorld();
    const { request } = world.publish();
    world.trustRoot.stamp(new Date(world.now.getTime() + 3_600_000 + LIMITS.clockDifferenceMs));
    expect(await codeOf(() => world.admit(request))).to.equal(undefined);
  });

  it('a host that saw a timestamp for years goes on as soon as an honest one is newer', async () => {
    using world = new SignedWorld();
    const { request } = world.publish();
    world.trustRoot.stamp(new Date('2099-01-01T00:00:00.000Z'));
    expect(await codeOf(() => world.admit(request))).to.equal('timestamp-outlives-policy');
    world.trustRoot.stamp(new Date(world.now.getTime() + 3_600_000));
    expect(await codeOf(() => world.admit(request))).to.equal(undefined);
  });

  it('what a host was enrolled with may live longer: only what it is told afterwards is judged', async () => {
    using world = new SignedWorld();
    const { trustRoot } = world;
    trustRoot.stamp(new Date('2099-01-01T00:00:00.000Z'));
    const baseline = new Map([...trustRoot.baseline, ['timestamp.json', trustRoot.newest('timestamp')]]);
    resetTrusted(world.database, baseline, { adoptedAt: world.now });
    expect(await codeOf(() => world.admit(world.publish().request))).to.equal(undefined);
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
    ['trust', TRUST, 19],
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
