/** `keyturn enable request`: what it binds, what it refuses, and whom it believes. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseDecision } from '../../../../shared/orders/decision-request.ts';
import { previewEnableOrder } from '../../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../../shared/orders/evidence-leaf.ts';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { APP, GovernWorld, type HeldRun, QUORUM, REASON } from '../../../support/govern-world.ts';

const HOUR_MS = 3_600_000;

describe('keyturn enable request', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let release: string;
  let held: HeldRun[];
  let files = 0;

  before(async () => {
    world = await GovernWorld.start();
    release = await world.release('1.0');
    await Promise.all(['web-1', 'web-2'].map((name) => world.host(name)));
    held = await Promise.all(['web-1', 'web-2'].map((host) => world.held(release, host)));
  });
  after(() => world[Symbol.asyncDispose]());

  function request(hosts: readonly string[], ...options: string[]) {
    const out = world.at(`enable-${files++}.json`);
    const named = hosts.flatMap((host) => ['--host', host]);
    const argv = ['enable', 'request', release, ...named, ...REASON, '--out', out, ...options];
    return { out, ended: world.command.json(...argv) };
  }

  /** What was written, and what its payload says. */
  function written(path: string) {
    const decision = parseDecision(readFileSync(path));
    return { decision, order: previewEnableOrder(decision.payload) };
  }

  async function waiting(): Promise<readonly { id: string; signatureCount: number; title: string }[]> {
    return (await world.done<{ decisions: { id: string; signatureCount: number; title: string }[] }>('inbox'))
      .decisions;
  }

  it('refuses what is not ready, names every host with every open criterion, and leaves nothing behind', async () => {
    const { out, ended } = request(['web-2', 'web-1']);
    const { code, message, hint } = failureOf(await ended);
    expect(code).to.equal('not-ready');
    for (const host of ['web-1', 'web-2']) {
      expect(message).to.include(`${host}: G6 live-dryrun is NOT_RUN`);
      expect(message).to.include(`${host}: phase is FAIL: the run is held`);
    }
    expect(hint).to.equal(`keyturn readiness ${release} --host web-1`);
    expect((await ended).exitCode).to.equal(77);
    expect(existsSync(out)).to.equal(false);
    expect(await waiting()).to.deep.equal([]);
  });

  it('refuses a host to which the release never came, and says how it comes there', async () => {
    const failure = failureOf(await request(['web-9']).ended);
    expect(failure).to.include({
      code: 'release-not-deployed',
      hint: `keyturn deploy ${release} --host web-9 --watch`,
    });
  });

  it('binds all hosts by run, head and epoch, carries their evidence, and waits in the inbox under the same name', async () => {
    for (const { run } of held) await world.done('rule', 'proceed', run, ...REASON, ...world.keys(...QUORUM));
    for (const run of held) await world.watch(run);
    const { out, ended } = request(['web-2', 'web-1', 'web-2']);
    const document = documentOf<{ request: string; file: string; hosts: string[] }>(await ended);
    const { decision, order } = written(out);
    expect(document).to.deep.include({ file: out, hosts: ['web-1', 'web-2'] });
    expect(decision.leaves.map(({ host, run, epoch }) => ({ host, run, epoch }))).to.deep.equal(
      held.map(({ host, run }) => ({ host, run, epoch: 0 })),
    );
    expect(order.evidence).to.deep.equal({ root: new EvidenceTree(decision.leaves).root().toString('hex'), size: 2 });
    expect(decision.bundles.map(({ host }) => host)).to.deep.equal(['web-1', 'web-2']);
    expect(decision.signatures).to.deep.equal([]);
    expect(order).to.deep.include({ app: APP, version: '1.0', entrypoints: ['broken', 'follow', 'live'] });
    const [waits] = await waiting();
    expect(waits).to.deep.include({ id: document.request, signatureCount: 0 });
    expect(waits?.title).to.equal(`enable ${release} on 2 hosts: as proven`);
  });

  it('tells people the window and what comes next', async () => {
    const out = world.at('told.json');
    const window = ['--from', '2030-01-02T03:04Z', '--for', '2h', '--lease', '90s'];
    const argv = ['--host', 'web-1', ...REASON, '--out', out, ...window];
    const { stdout } = await world.command.keyturn('enable', 'request', release, ...argv);
    expect(stdout).to.include('window   2030-01-02 03:04:00 UTC to 2030-01-02 05:04:00 UTC, lease 1 min 30 s');
    expect(stdout).to.match(/^next {5}keyturn approve \S+told\.json --key FILE/m);
    const { order } = written(out);
    expect(order.expiresMs - order.notBeforeMs).to.equal(2 * HOUR_MS);
    expect(order).to.include({ notBeforeMs: Date.parse('2030-01-02T03:04:00Z'), leaseMs: 90_000 });
  });

  it('never writes over a file, and then puts nothing into the inbox either', async () => {
    const { out, ended } = request(['web-1']);
    await ended;
    const [bytes, before] = [readFileSync(out), await waiting()];
    const again = await world.command.json('enable', 'request', release, '--host', 'web-1', ...REASON, '--out', out);
    expect(again.exitCode).to.equal(64);
    expect(failureOf(again).message).to.equal(`request "${out}": there is one already`);
    expect(readFileSync(out).equals(bytes)).to.equal(true);
    expect(await waiting()).to.deep.equal(before);
  });

  const REFUSED: Readonly<Record<string, { options: string[]; exit: number; says: RegExp }>> = {
    'a window that is over': {
      options: ['--from', '2020-01-01T00:00Z'],
      exit: 64,
      says: /its window of 1 h is over already/,
    },
    'an instant that is none': { options: ['--from', 'tomorrow'], exit: 64, says: /expected an instant in UTC/ },
    'a lease that no rule of the policy allows': {
      options: ['--lease', '2d'],
      exit: 77,
      says: /a lease of 2 d, the policy allows 1 d/,
    },
    'an entrypoint that is not in the plan': {
      options: ['--entrypoint', 'sweep'],
      exit: 77,
      says: /no live entrypoint "sweep"/,
    },
    'an entrypoint that is not live': {
      options: ['--entrypoint', 'live', 'dryrun'],
      exit: 77,
      says: /no live entrypoint "dryrun"/,
    },
  };

  it('refuses 5 more', () => expect(Object.keys(REFUSED)).to.have.length(5));
  for (const [name, { options, exit, says }] of Object.entries(REFUSED)) {
    it(`refuses ${name}, and writes nothing`, async () => {
      const { out, ended } = request(['web-1'], ...options);
      expect((await ended).exitCode).to.equal(exit);
      expect(failureOf(await ended).message).to.match(says);
      expect(existsSync(out)).to.equal(false);
    });
  }

  it('names some entrypoints alone, sorted, each once', async () => {
    const { out, ended } = request(['web-1'], '--entrypoint', 'live', 'broken', 'live');
    await ended;
    expect(written(out).order.entrypoints).to.deep.equal(['broken', 'live']);
  });

  it('takes the epoch of each gate from what its host signed last', async () => {
    await world.done('kill', APP, '--host', 'web-1', ...REASON);
    const { out, ended } = request(['web-1', 'web-2']);
    await ended;
    expect(written(out).decision.leaves.map(({ host, epoch }) => [host, epoch])).to.deep.equal([
      ['web-1', 1],
      ['web-2', 0],
    ]);
  });

  it('does not believe a control plane that shows the answer of one host as that of another', async () => {
    const { store } = world.command.service.plane;
    const gate = await store.selectFrom('gates').selectAll().where('host', '=', 'web-1').executeTakeFirstOrThrow();
    await store.deleteFrom('gates').where('host', '=', 'web-2').execute();
    const { incarnation } = await store
      .selectFrom('hosts')
      .select('incarnation')
      .where('name', '=', 'web-2')
      .executeTakeFirstOrThrow();
    await store
      .insertInto('gates')
      .values({ ...gate, host: 'web-2', incarnation })
      .execute();
    const { out, ended } = request(['web-2']);
    expect(failureOf(await ended).code).to.equal('signature-threshold-not-met');
    expect(existsSync(out)).to.equal(false);
  });
});
