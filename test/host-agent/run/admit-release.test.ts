/** P1, P2: what a host is told to install, and what it makes of it. Whatever is refused leaves nothing behind. */
import { expect } from 'chai';
import { loadTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
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
