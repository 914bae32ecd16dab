/**
 * P3, P4, P8: an agent that is killed at any boundary of following orders, and is started anew. Nothing is half admitted, no kill
 * that was acknowledged is forgotten, nothing runs on, and no live run starts a second time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { followOrders, type OrderWork } from '../../../host-agent/orders/order-loop.ts';
import { detectSandbox, type Sandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { Wakeup } from '../../../shared/time/wakeup.ts';
import type { TrustSource } from '../../../shared/trust/source.ts';
import { ProvenWorld } from '../../support/proven-world.ts';
import { APP } from '../../support/world-release.ts';
import { LiveHost } from '../live/live-world.ts';
import { processesSaying, requireSandbox } from '../sandbox/sandbox-world.ts';
import { LIVES, type Recorded } from './order-story.ts';

const CHILD = fileURLToPath(new URL('killed-orders.ts', import.meta.url));
const BOUNDARIES = 71;

describe('an agent that is killed while it follows orders', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let sandbox: Sandbox;
  let enable: Enable;
  let recorded: Recorded;

  before(async function () {
    sandbox = await requireSandbox(this);
    world = await ProvenWorld.start();
    enable = await world.order();
    recorded = await recordedBy(async (trustSource) => {
      await using host = new LiveHost({ trustSource, host: world.host }, sandbox);
      expect(await host.enable(enable)).to.deep.include({ state: 'open' });
    });
  });
  after(() => world?.[Symbol.asyncDispose]());

  async function recordedBy(act: (source: TrustSource) => Promise<void>): Promise<Recorded> {
    const { trustSource } = world;
    const [metadata, targets] = [{} as Record<string, string>, {} as Record<string, string>];
    const through = (into: Record<string, string>, from: (name: string) => AsyncIterable<Uint8Array>) =>
      async function* (name: string) {
        const parts: Uint8Array[] = [];
        for await (const part of from(name)) parts.push(part);
        const whole = Buffer.concat(parts);
        into[name] = whole.toString('base64');
        yield whole;
      };
    await act({
      fetchMetadata: through(metadata, (name) => trustSource.fetchMetadata(name)),
      fetchTarget: through(targets, (path) => trustSource.fetchTarget(path)),
    });
    const directive = directiveCodec.encode({ kind: 'enable', enable });
    return { enable: Buffer.from(directive).toString('base64'), metadata, targets };
  }

  /** A copy of the host on which the child has lived up to the boundary; gives what it had acknowledged. */
  async function walked(boundary: number): Promise<{ folder: string; lines: string[] }> {
    const host = new LiveHost(world, sandbox);
    await host.stop();
    writeFileSync(join(host.folder, 'recorded.json'), JSON.stringify(recorded));
    const { stdout, stderr, signal, status } = spawnSync(process.execPath, [CHILD, host.folder, String(boundary)], {
      encoding: 'utf8',
    });
    const lines = stdout.split('\n').filter(Boolean);
    if (lines.at(-1) !== 'done') expect([signal, status], stderr).to.deep.equal(['SIGKILL', null]);
    return { folder: host.folder, lines };
  }

  /** What the next agent does: it ends what is left, and follows what waits. */
  async function nextAgent(folder: string): Promise<LiveHost> {
    await detectSandbox();
    const host = new LiveHost(world, sandbox, folder);
    const stopping = new AbortController();
    const wakeup = new Wakeup();
    wakeup.wake();
    const { means, openGates, directives } = host;
    const work: OrderWork = {
      ...{ means, openGates, directives, wakeup, clock: systemClock },
      scheduled: { startDue: async () => undefined },
      hostKills: { tell: () => undefined, areDue: false },
      retryMs: () => 0,
    };
    const following = followOrders(stopping.signal, work);
    while (directives.unhandled().length > 0) await new Promise(setImmediate);
    stopping.abort();
    await following;
    return host;
  }

  for (let boundary = 1; boundary <= BOUNDARIES; boundary += 1) {
    it(`comes back to the old or the new, at boundary ${boundary}`, async () => {
      const { folder, lines } = await walked(boundary);
      expect(lines.at(-1), 'there is such a boundary').to.not.equal('done');
      await using host = await nextAgent(folder);
      expect(processesSaying(folder)).to.deep.equal([]);
      const { keeper, lives, registry } = host.means;
      const view = keeper.view(APP);
      const admitted = host.receipts(enable.envelope).filter(({ answer }) => answer === 'admitted');
      const isSpent = host.means.database.prepare('select count(*) from spent_nonces').pluck().get();
      expect(admitted.length, 'admitted, told, and its nonce spent, or none of it').to.equal(isSpent);
      if (lines.includes('enabled')) expect(admitted).to.have.length(1);
      if (lines.includes('killed 1')) expect(view).to.deep.include({ state: 'closed', epoch: 1 });
      // An agent that starts anew begins closed, whatever it has been told; an order that still waited may open the gate.
      if (lines.includes('enabled')) expect(view.state).to.equal('closed');
      expect(lives.unended()).to.deep.equal([]);
      expect(registry.of(APP)).to.deep.equal([]);
      const path = join(host.out, 'started');
      const started = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
      expect(new Set(started).size, 'no live run was started twice').to.equal(started.length);
      const ended = host.liveReports().filter((report) => report.ended !== undefined);
      expect(started.every((live) => ended.some((report) => report.live === live))).to.equal(true);
      expect(new Set(ended.map(({ live }) => live)).size, 'each end is told once').to.equal(ended.length);
      rmSync(folder, { recursive: true, force: true });
    });
  }

  it('has no boundary that was not walked, and lives through all of it without one', async () => {
    const { folder, lines } = await walked(BOUNDARIES + 1);
    expect(lines).to.deep.equal(['order stored', 'enabled', 'started', 'started', 'killed 1', 'done']);
    await using host = await nextAgent(folder);
    expect(readFileSync(join(host.out, 'started'), 'utf8').split('\n').filter(Boolean)[0]).to.equal(LIVES[0]);
  });
});
