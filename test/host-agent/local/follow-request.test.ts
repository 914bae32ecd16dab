/** What the agent does about a request of its host, over a real gate: what is closed before what is waited for, and who is refused. */
import { expect } from 'chai';
import { LiveRegistry } from '../../../host-agent/live/live-registry.ts';
import type { LiveRequest } from '../../../host-agent/live/start-live.ts';
import { followRequest, type RequestMeans } from '../../../host-agent/local/follow-request.ts';
import { HostKiller } from '../../../host-agent/local/host-killer.ts';
import type { LocalAnswer, LocalRequest } from '../../../host-agent/local/messages.ts';
import { WorkDoor } from '../../../host-agent/service/work-door.ts';
import { RejectedError } from '../../../shared/errors.ts';
import type { LiveEnd, LiveRunRecord } from '../../../shared/orders/live-run.ts';
import { HOST, honestOffer, MINUTE_MS, STANDING } from '../../support/enable-world.ts';
import { APP, GateWorld } from '../gate/gate-world.ts';

const END: LiveEnd = { atMs: 2, how: 'exit 0', stdout: 'done', stderr: '', lines: [], outputBytes: 4 };
const LIVE = '01JD0000000000000000000007';

describe('host-agent/local/follow-request', () => {
  let world: GateWorld;
  let registry: LiveRegistry;
  let door: WorkDoor;
  let started: LiveRequest[];
  let means: RequestMeans;

  beforeEach(() => {
    world = new GateWorld();
    // The order of the world is for the third epoch.
    for (let epoch = 1; epoch <= 3; epoch += 1) world.keeper.kill(APP, { reason: 'before' });
    registry = new LiveRegistry();
    door = new WorkDoor(() => undefined);
    started = [];
    const { database, keeper } = world;
    const killer = new HostKiller({ database, keeper, nowMs: () => world.nowMs, onKilled: () => undefined });
    means = { keeper, registry, killer, door, makeLiveId: () => LIVE };
  });
  afterEach(() => world.remove());

  async function all(request: LocalRequest): Promise<LocalAnswer[]> {
    const answers: LocalAnswer[] = [];
    for await (const answer of followRequest(request, means)) answers.push(answer);
    return answers;
  }

  async function codeOf(request: LocalRequest): Promise<string | undefined> {
    try {
      await all(request);
    } catch (error) {
      return error instanceof RejectedError ? error.code : String(error);
    }
    return undefined;
  }

  /** As the work does when it is there. */
  function openDoor(ended: Promise<LiveEnd>): void {
    door.open({
      start: async (request) => {
        started.push(request);
        const record = recordOf(request);
        return { record, ended: ended.then((end) => ({ ...record, ended: end })) };
      },
      apply: () => Promise.reject(new Error('nobody asks')),
    });
  }

  const KILL = { do: 'kill', app: APP, reason: 'smoke', by: 'root' } as const;
  const EXEC = { do: 'exec', app: APP, entrypoint: 'live' } as const;

  it('P4: says that the gate is closed before it waits for what runs, and that nothing runs when it is gone', async () => {
    world.enable(honestOffer());
    const gone = Promise.withResolvers<void>();
    registry.add({
      live: LIVE,
      app: APP,
      entrypoint: 'live',
      isEnding: () => false,
      stop: () => undefined,
      gone: gone.promise,
    });
    const answers = followRequest(KILL, means)[Symbol.asyncIterator]();
    expect((await answers.next()).value).to.deep.equal({ said: 'killed', app: APP, epoch: 4 });
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', epoch: 4, reason: 'killed: smoke' });
    const stopped = answers.next();
    expect(await Promise.race([stopped, turn()])).to.equal('a turn');
    gone.resolve();
    expect((await stopped).value).to.deep.equal({ said: 'stopped', app: APP });
    expect((await answers.next()).done).to.equal(true);
  });

  it('P4: closes every gate before it waits for what runs by the first of them', async () => {
    world.keeper.kill('another', { reason: 'so that it is known' });
    registry.add({
      live: LIVE,
      app: 'another',
      entrypoint: 'live',
      isEnding: () => false,
      stop: () => undefined,
      gone: new Promise(() => {}),
    });
    const answers = followRequest({ do: 'kill', reason: 'all', by: 'root' }, means)[Symbol.asyncIterator]();
    await answers.next();
    expect(
      [world.keeper.view('another'), world.keeper.view(APP)].map((view) => 'epoch' in view && view.epoch),
    ).to.deep.equal([2, 4]);
  });

  it('P8: says nothing of a kill that is not durable, and what the gate does then is closed', async () => {
    world.enable(honestOffer());
    world.database.exec(
      "create trigger full before insert on host_kills begin select raise(abort, 'the disk is full'); end",
    );
    expect(await all(KILL)).to.deep.equal([{ said: 'failed', app: APP, message: 'the disk is full' }]);
    expect(world.keeper.view(APP).state).to.equal('unknown');
    expect(world.closed.map(({ app }) => app)).to.include(APP);
    world.database.exec('drop trigger full');
    expect((await all(KILL))[0]).to.deep.equal({ said: 'killed', app: APP, epoch: 4 });
  });

  it('refuses to kill what the host never had, and kills nothing instead', async () => {
    expect(await codeOf({ ...KILL, app: 'iu-cuter' })).to.equal('app-unknown');
    expect(world.keeper.view(APP)).to.deep.include({ epoch: 3 });
  });

  it('P3: refuses to run live where the gate is closed, with the code of the gate and without loading what works', async () => {
    expect(await codeOf(EXEC)).to.equal('gate-closed');
    expect(await codeOf({ ...EXEC, app: 'nobody' })).to.equal('gate-closed');
    world.enable(honestOffer());
    expect(await codeOf({ ...EXEC, entrypoint: 'sweep' })).to.equal('entrypoint-not-enabled');
    await all(KILL);
    expect(await codeOf(EXEC)).to.equal('gate-closed');
    expect(started).to.deep.equal([]);
  });

  it('runs live by an open gate: waits for what works, says that it runs, and how it ended', async () => {
    world.enable(honestOffer());
    const ending = Promise.withResolvers<LiveEnd>();
    const answers = followRequest(EXEC, means)[Symbol.asyncIterator]();
    const first = answers.next();
    expect(await Promise.race([first, turn()])).to.equal('a turn');
    openDoor(ending.promise);
    expect((await first).value).to.deep.include({ said: 'started' });
    expect(started).to.deep.equal([{ live: LIVE, app: APP, entrypoint: 'live' }]);
    ending.resolve(END);
    expect((await answers.next()).value).to.deep.equal({
      said: 'ended',
      record: { ...recordOf({ live: LIVE, app: APP, entrypoint: 'live' }), ended: END },
    });
  });

  it('keeps connections for a kill: of those who wait for a live process, there are so many and no more', async () => {
    world.enable(honestOffer());
    const ending = Promise.withResolvers<LiveEnd>();
    openDoor(ending.promise);
    const begin = () => followRequest(EXEC, means)[Symbol.asyncIterator]();
    const waiting = Array.from({ length: 32 }, begin);
    const begun = await Promise.all(waiting.map((answers) => answers.next()));
    expect(begun.every(({ value }) => value.said === 'started')).to.equal(true);
    expect(await codeOf(EXEC)).to.equal('too-many-wait');
    expect((await all(KILL)).map(({ said }) => said)).to.deep.equal(['killed', 'stopped']);
    expect(started).to.have.length(32);
  });

  it('P3: refuses when the gate has closed by itself meanwhile', async () => {
    world.enable(honestOffer());
    world.nowMs += 61 * MINUTE_MS;
    expect(await codeOf(EXEC)).to.equal('gate-closed');
  });
});

function recordOf({ live, app, entrypoint }: LiveRequest): LiveRunRecord {
  const { version, treeDigest } = STANDING;
  return {
    host: HOST,
    app,
    version,
    treeDigest,
    live,
    entrypoint,
    order: treeDigest,
    epoch: 3,
    startedAtMs: 1,
    ended: undefined,
  };
}

function turn(): Promise<string> {
  return new Promise((resolve) => setImmediate(() => resolve('a turn')));
}
