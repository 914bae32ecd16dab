/** What an agent does first, what it does again, and what ends it. */
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { pino } from 'pino';
import { workUntil } from '../../../host-agent/run/work-loop.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import { Wakeup } from '../../../shared/time/wakeup.ts';
import { errorOf } from '../../support/errors-of.ts';
import { type ReleaseSpec, SignedWorld } from './signed-world.ts';

const RUNS = ['01JD9QZ5X8M3K7T2B4N6P8R0ZZ', '01JD9QZ5X8M3K7T2B4N6P8R0AA', '01JD9QZ5X8M3K7T2B4N6P8R0MM'] as const;

describe('the work of an agent', () => {
  let world: SignedWorld;
  let stopping: AbortController;
  let wakeup: Wakeup;
  let lines: { readonly msg: string; readonly reason?: string; readonly hint?: string }[];
  let driven: string[];
  let drive: (run: string) => Promise<void>;
  let waits: number[];
  let waitToRetry: () => Promise<void>;
  beforeEach(() => {
    world = new SignedWorld();
    stopping = new AbortController();
    wakeup = new Wakeup();
    world.directives.onAccepted(() => wakeup.wake());
    lines = [];
    driven = [];
    drive = async (run) => rest(run);
    waits = [];
    waitToRetry = async () => {};
  });
  afterEach(() => world[Symbol.dispose]());

  function work(): Promise<void> {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      lines.push(JSON.parse(chunk.toString()));
      done();
    };
    return workUntil(stopping.signal, {
      store: world.store,
      driver: {
        drive: async (run) => {
          driven.push(run);
          await drive(run);
        },
      },
      means: world.directiveMeans(),
      wakeup,
      log: pino({}, new Writable({ write })),
      waitToRetry: async (attempt) => {
        waits.push(attempt);
        await waitToRetry();
        stopping.signal.throwIfAborted();
      },
    });
  }

  function rest(run: string): void {
    world.store.commit(run, { state: { ...world.store.state(run), remaining: [], phase: 'proven' }, bodies: [] });
  }

  function order(runId: string, spec: ReleaseSpec = {}): void {
    const { request } = world.publish(spec);
    const { target: targetPath, statementDigest: statementSha256 = '' } = request;
    const bytes = directiveCodec.encode({ kind: 'deploy', deploy: { runId, targetPath, statementSha256 } });
    world.directives.accept({ seq: world.directives.lastSeq() + 1, bytes });
  }

  /** Works until every directive is handled and every run rests. */
  async function workToRest(): Promise<void> {
    const working = work();
    const look = drive;
    drive = async (run) => {
      await look(run);
      if (world.directives.unhandled().length === 0) stopping.abort();
    };
    await working;
  }

  it('follows directives in their order, each run to its rest before the next begins', async () => {
    for (const run of RUNS) order(run);
    const begun: number[] = [];
    drive = async (run) => {
      begun.push(world.store.unfinished().length);
      rest(run);
    };
    await workToRest();
    expect(driven).to.deep.equal([...RUNS]);
    expect(begun).to.deep.equal([1, 1, 1]);
  });

  it('P8: finishes what was begun before it follows anything new', async () => {
    order(RUNS[1]);
    drive = async () => {
      stopping.abort();
      throw new Error('the process ends');
    };
    await work();
    stopping = new AbortController();
    order(RUNS[0]);
    drive = async (run) => {
      if (run === RUNS[1] && driven.length === 2) expect(world.directives.unhandled()).to.have.length(1);
      rest(run);
    };
    await workToRest();
    expect(driven).to.deep.equal([RUNS[1], RUNS[1], RUNS[0]]);
  });

  it('P8: lets go of what nobody can ask for any more, before it follows anything new', async () => {
    for (let seq = 1; seq <= LIMITS.handledDirectiveCount + 5; seq += 1) {
      world.directives.accept({ seq, bytes: Buffer.from([seq & 255]) });
      world.directives.markHandled(seq);
    }
    order(RUNS[0]);
    await workToRest();
    const { directives } = world.traces().journal;
    expect(directives).to.have.length(LIMITS.handledDirectiveCount);
  });

  it('sleeps when nothing waits, and wakes for a directive', async () => {
    const working = work();
    drive = async (run) => {
      rest(run);
      stopping.abort();
    };
    order(RUNS[0]);
    await working;
    expect(driven).to.deep.equal([RUNS[0]]);
  });

  it('ends at a stop, also out of its sleep', async () => {
    const working = work();
    stopping.abort();
    await working;
    expect(driven).to.deep.equal([]);
  });

  it('P8: tries a directive again for as long as the world is in the way, and those behind it keep their order', async () => {
    order(RUNS[0]);
    order(RUNS[1]);
    const honest = world.blobSource;
    world.blobSource = {
      fetch: (wants, options) => {
        if (waits.length < 5) throw new TransientError('failed to reach the control plane', { hint: 'wait' });
        return honest.fetch(wants, options);
      },
      chunksOf: honest.chunksOf,
    };
    await workToRest();
    expect(waits).to.deep.equal([0, 1, 2, 3, 4]);
    expect(driven).to.deep.equal([RUNS[0], RUNS[1]]);
    expect(lines.filter(({ msg }) => msg === 'tried in vain')).to.have.length(5);
  });

  it('P8: a full disk ends nothing: the agent says so, and goes on when there is room', async () => {
    const files = Array.from({ length: 100 }, (_, index) => [`lib/${index}`, `${index}`] as const);
    // Too large for a page that is half empty.
    order(RUNS[0], { content: Object.fromEntries(files) });
    const makeRoom = world.fillDisk();
    waitToRetry = async () => {
      if (waits.length === 3) makeRoom();
    };
    await workToRest();
    expect(waits).to.deep.equal([0, 1, 2]);
    const told = lines.find(({ msg }) => msg === 'tried in vain');
    expect(told?.reason).to.match(/failed to use the journal: database or disk is full/);
    expect(told?.hint).to.match(/free space/);
    expect(world.store.state(RUNS[0]).phase).to.equal('proven');
    expect(world.reports().filter(({ kind }) => kind === 'directiveOutcome')).to.have.length(1);
  });

  it('P8: a run whose driver meets a full disk is driven again', async () => {
    order(RUNS[0]);
    let failures = 2;
    drive = async (run) => {
      const { database } = world;
      if (failures-- > 0) {
        database.pragma('query_only = 1');
        try {
          rest(run);
        } finally {
          database.pragma('query_only = 0');
        }
      }
      rest(run);
    };
    await workToRest();
    expect(driven).to.deep.equal([RUNS[0], RUNS[0], RUNS[0]]);
    expect(waits).to.deep.equal([0, 1]);
  });

  it('P3: a journal that is damaged ends the agent, with the code, and nothing was tried twice', async () => {
    order(RUNS[0]);
    drive = async () => {};
    const working = work();
    world.database.exec("update runs set state = '{}'");
    drive = async () => {
      world.database.exec("update runs set state = '{}'");
    };
    expect(await errorOf(working)).to.deep.include({ code: 'journal-corrupt' });
    expect(driven).to.have.length(1);
    expect(waits).to.deep.equal([]);
  });

  it('a defect ends the agent: it is no reason to go on as if nothing were', async () => {
    order(RUNS[0]);
    drive = async () => {
      throw new TypeError('a defect');
    };
    expect(await errorOf(work())).to.be.instanceOf(TypeError);
  });

  it('a refusal is told, and what comes behind it is followed', async () => {
    world.directives.accept({ seq: 1, bytes: Buffer.from('nonsense') });
    order(RUNS[0]);
    await workToRest();
    expect(world.refusals).to.deep.equal([{ seq: 1, code: 'message-malformed' }]);
    expect(driven).to.deep.equal([RUNS[0]]);
  });

  it('what is thrown at a stop is the stop, and is told', async () => {
    order(RUNS[0]);
    drive = async () => {
      stopping.abort();
      throw new Error('cut off');
    };
    await work();
    expect(lines.at(-1)).to.deep.include({ msg: 'stopped in the middle', reason: 'cut off' });
    expect(world.store.unfinished()).to.deep.equal([RUNS[0]]);
  });
});
