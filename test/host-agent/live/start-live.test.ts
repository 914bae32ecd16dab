/** P2, P3, P4: what it takes to start a live process, on a real journal and a real tree, by an order that people have signed. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { RunPermit } from '../../../host-agent/gate/run-permit.ts';
import { followRunLive } from '../../../host-agent/live/follow-run-live.ts';
import { GateSocket } from '../../../host-agent/live/gate-socket.ts';
import { startLive, tellLost } from '../../../host-agent/live/start-live.ts';
import type { Sandbox } from '../../../host-agent/sandbox/sandbox.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { MINUTE_MS, ProvenWorld } from '../../support/proven-world.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { APP, SECRET_NAME } from '../../support/world-release.ts';
import { requireSandbox } from '../sandbox/sandbox-world.ts';
import { LiveHost, told } from './live-world.ts';

describe('the start of a live process', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let sandbox: Sandbox;
  let order: Enable;
  let host: LiveHost;

  before(async function () {
    sandbox = await requireSandbox(this);
    world = await ProvenWorld.start();
    order = await world.order();
  });
  beforeEach(() => {
    host = new LiveHost(world, sandbox);
    host.scenario('open(out + "/began", "w").close()');
  });
  afterEach(() => host[Symbol.asyncDispose]());
  after(() => world?.[Symbol.asyncDispose]());

  const open = async () => expect(await host.enable(order)).to.deep.include({ state: 'open', epoch: 0 });

  it('is told by which order it was, and its end with what it wrote, both signed by the host', async () => {
    await open();
    const { record, ended } = await host.start('print("to out"); print("to err", file=sys.stderr); sys.exit(3)');
    const last = await ended;
    expect(last.ended).to.deep.include({ how: 'exit 3', stdout: 'to out\n', stderr: 'to err\n', outputBytes: 14 });
    expect(host.liveReports()).to.deep.equal([record, last]);
    expect(record).to.deep.include({ app: APP, entrypoint: 'live', epoch: 0, host: host.means.host });
    expect(host.means.lives.unended()).to.deep.equal([]);
  });

  /** What stands in the way, the code that says so, and whether the gate stays open. */
  const REFUSALS: Readonly<Record<string, { code: string; isOpen: boolean; act: () => unknown; entrypoint?: string }>> =
    {
      'a gate that time has closed': { code: 'gate-closed', isOpen: false, act: () => host.passAlone(10 * MINUTE_MS) },
      'a kill': { code: 'gate-closed', isOpen: false, act: () => host.kill() },
      'an entrypoint that the order does not name': {
        code: 'entrypoint-not-enabled',
        isOpen: true,
        act: () => undefined,
        entrypoint: 'dryrun',
      },
      'an entrypoint that is in no plan': {
        code: 'entrypoint-not-enabled',
        isOpen: true,
        act: () => undefined,
        entrypoint: 'shell',
      },
      'a tree that was changed': {
        code: 'tree-differs',
        isOpen: false,
        act: () => writeFileSync(join(host.installPath, 'tools/live.py'), 'print("mine")\n'),
      },
      'a tree with one file more': {
        code: 'tree-differs',
        isOpen: false,
        act: () => writeFileSync(join(host.installPath, 'sitecustomize.py'), ''),
      },
      'a tree with another mode': {
        code: 'tree-differs',
        isOpen: false,
        act: () => chmodSync(join(host.installPath, 'tools/live.py'), 0o755),
      },
      'a tree that is gone': {
        code: 'tree-differs',
        isOpen: false,
        act: () => rmSync(host.installPath, { recursive: true }),
      },
      'a neighbour that was changed': {
        code: 'not-ready',
        isOpen: false,
        act: () => writeFileSync(join(host.installPath, '../beacon-0.9/NOTES'), 'runs no more\n'),
      },
      'a secret that is missing': { code: 'secret-missing', isOpen: true, act: () => host.removeSecret(SECRET_NAME) },
      'the file KILL': { code: 'kill-file-present', isOpen: true, act: () => writeFileSync(host.killFile, '') },
      'an agent that stops': { code: 'agent-stopping', isOpen: true, act: () => host.means.registry.close('it stops') },
    };
  for (const [what, { code, isOpen, act, entrypoint = 'live' }] of Object.entries(REFUSALS)) {
    it(`P3: is refused for ${what}, and nothing runs or is on record`, async () => {
      await open();
      await act();
      expect(await codeOf(startLive(host.request(entrypoint), host.means))).to.equal(code);
      expect(host.liveReports()).to.deep.equal([]);
      expect(host.means.registry.of(APP)).to.deep.equal([]);
      expect(host.has('began')).to.equal(false);
      expect(host.view.state === 'open').to.equal(isOpen);
    });
  }

  it('P3: is refused while no order was ever admitted', async () => {
    expect(await codeOf(startLive(host.request(), host.means))).to.equal('gate-closed');
    expect(host.has('began')).to.equal(false);
  });

  it('P3: is refused on a host without a sandbox', async () => {
    await open();
    const means = { ...host.means, sandbox: undefined };
    expect(await codeOf(startLive(host.request(), means))).to.equal('sandbox-missing');
    expect(host.liveReports()).to.deep.equal([]);
  });

  it('P3: is refused where nobody could ask whether the gate is still open', async () => {
    await open();
    const { keeper, registry, hostPublicKey, nowMs } = host.means;
    const path = join(host.folder, 'a'.repeat(120), 'gate.sock');
    const socket = new GateSocket({ path, host: host.means.host, hostPublicKey, keeper, registry, nowMs });
    const request = { liveId: host.request().live, app: APP, entrypoint: 'live' };
    const stored = host.accept({ kind: 'runLive', runLive: request });
    await followRunLive(request, stored, { ...host.means, socket });
    expect(host.refusals).to.deep.equal(['gate-socket-unusable']);
    expect(host.directives.unhandled()).to.deep.equal([]);
    expect(host.has('began')).to.equal(false);
  });

  it('P3: a permit that looks like one, and was not made by the gate, starts nothing', async () => {
    await open();
    const { keeper } = host.means;
    const { facts } = keeper.permitFor(APP, 'live');
    const forged = Object.assign(Object.create(RunPermit.prototype), { facts });
    const means = { ...host.means, keeper: Object.create(keeper, { permitFor: { value: () => forged } }) };
    const failure = await startLive(host.request(), means).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(TypeError);
    expect(host.has('began')).to.equal(false);
    expect(host.means.registry.of(APP)).to.deep.equal([]);
  });

  it('P4: a kill between the first look at the gate and the start is found, and nothing starts', async () => {
    await open();
    const starting = codeOf(startLive(host.request(), host.means)); // it reads the tree now
    host.kill();
    expect(await starting).to.equal('gate-closed');
    expect(host.has('began')).to.equal(false);
    expect(host.liveReports()).to.deep.equal([]);
  });

  it('P4: a kill in the turn of the start finds what was started', async () => {
    await open();
    const { ended } = await startLive(host.request(), host.means, () => setImmediate(() => host.kill()));
    const { how } = told(await ended);
    expect(how).to.match(/^stopped \(killed: smoke in the room\)/);
    expect(host.has('began')).to.equal(false);
  });

  it('P8: of the same live run happens once, whatever the request says and whatever the agent has been through', async () => {
    await open();
    const request = host.request();
    await (await startLive(request, host.means)).ended;
    expect(await codeOf(startLive({ ...request, entrypoint: 'bare' }, host.means))).to.equal('live-id-repeated');
    await host.restart();
    expect(await codeOf(startLive(request, host.means))).to.equal('live-id-repeated');
    expect(host.liveReports()).to.have.length(2);
  });

  it('follows a request from afar once, in the transaction of the start', async () => {
    await open();
    const request = { liveId: host.request().live, app: APP, entrypoint: 'live' };
    const stored = host.accept({ kind: 'runLive', runLive: request });
    await followRunLive(request, stored, host.means);
    expect(host.directives.unhandled()).to.deep.equal([]);
    await host.means.registry.gone(APP);
    expect(host.liveReports().map(({ live, ended }) => [live, ended?.how])).to.deep.equal([
      [request.liveId, undefined],
      [request.liveId, 'exit 0'],
    ]);
  });

  for (const liveId of ['', '../../etc/passwd', 'x'.repeat(26), `${'0'.repeat(25)}\n`, '0'.repeat(27)]) {
    it(`refuses a request for a live run that is called ${JSON.stringify(liveId)}`, async () => {
      await open();
      const request = { liveId, app: APP, entrypoint: 'live' };
      await followRunLive(request, host.accept({ kind: 'runLive', runLive: request }), host.means);
      expect(host.refusals).to.deep.equal(['live-id-malformed']);
      expect(host.has('began')).to.equal(false);
    });
  }

  it('P8: that the agent did not see the end of is told as lost at its next start, once', async () => {
    await open();
    const { record, ended } = await host.begin();
    const { database, lives } = host.means;
    // As a SIGKILL leaves it: the process is gone, and nobody has written anything.
    host.kill();
    await ended;
    database.prepare('update live_runs set ended = 0').run();
    await host.restart();
    tellLost(host.means);
    tellLost(host.means);
    const lost = host.liveReports().filter((report) => report.ended?.how === 'lost with its agent');
    expect(lost.map(({ live, order: by }) => [live, by])).to.deep.equal([[record.live, record.order]]);
    expect(lives).to.not.equal(host.means.lives);
    expect(host.means.lives.unended()).to.deep.equal([]);
  });
});
