/** P8: what a stop, a silence and a disk that refuses do to a run, and what is done again after them. */
import { expect } from 'chai';
import { STOP_GRACE_MS } from '../../../host-agent/run/observations.ts';
import { GIVE_UP_AFTER_MS } from '../../../host-agent/run/run-driver.ts';
import { TransientError } from '../../../shared/errors.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { errorOf } from '../../support/errors-of.ts';
import { DriverWorld } from './driver-world.ts';

const MINUTE_MS = 60_000;

describe('a run with something in its way', () => {
  let world: DriverWorld;
  beforeEach(async () => {
    world = await DriverWorld.start();
  });
  afterEach(() => world[Symbol.dispose]());

  function missingDisk(): TransientError {
    return new TransientError('failed to write "/opt/dot"', { hint: 'free space' });
  }

  for (const step of ['receive', 'stage', 'promote', 'tidy'] as const) {
    it(`tries to ${step} again when the world is in the way, and tells what of it`, async () => {
      let failures = 3;
      world.steps[step] = async () => {
        if (failures-- > 0) throw missingDisk();
      };
      await world.drive();
      expect(world.waits).to.deep.equal([0, 1, 2]);
      expect(world.troubles.map(({ doing, error }) => `${doing}: ${error.message}`)).to.deep.equal(
        Array(3).fill(`${step}: failed to write "/opt/dot"`),
      );
      expect(world.state().phase).to.equal('proven');
    });
  }

  it('a defect is not tried again: it ends the driver, and the journal stays as it was', async () => {
    world.steps.stage = async () => {
      throw new TypeError('a defect');
    };
    expect(await errorOf(world.drive())).to.be.instanceOf(TypeError);
    expect(world.state().remaining[0]).to.deep.equal({ do: 'stage' });
    expect(world.waits).to.deep.equal([]);
  });

  for (const step of ['receive', 'stage'] as const) {
    it(`gives up to ${step} after an hour in vain, blocked and told`, async () => {
      world.steps[step] = async () => {
        throw missingDisk();
      };
      world.waitToRetry = async () => world.clock.advance(MINUTE_MS);
      await world.drive();
      expect(world.waits).to.have.length(GIVE_UP_AFTER_MS / MINUTE_MS);
      const result = world.evidence().get('g4.received')?.result;
      expect(result?.did === 'block' && result.reason).to.match(/^effect-given-up: .*60 minutes.*"\/opt\/dot"$/);
      expect(world.state()).to.deep.include({ phase: 'failed', remaining: [], isPromoted: false });
      expect(world.done.at(-1)).to.equal('tidy');
    });
  }

  it('gives up nothing that has begun to move the installation: it waits for its disk', async () => {
    let failures = 300;
    world.steps.promote = async () => {
      if (failures-- > 0) throw missingDisk();
    };
    world.waitToRetry = async () => world.clock.advance(MINUTE_MS);
    await world.drive();
    expect(world.troubles).to.have.length(300);
    expect(world.state().phase).to.equal('proven');
  });

  it('bytes that arrive begin the hour anew', async () => {
    let tries = 0;
    world.steps.receive = async (_opened, { onBytes }) => {
      tries += 1;
      if (tries % 50 === 0) onBytes(tries, 1000);
      if (tries < 200) throw missingDisk();
    };
    world.waitToRetry = async () => world.clock.advance(MINUTE_MS);
    await world.drive();
    expect(world.state().phase).to.equal('proven');
    expect(Math.max(...world.waits)).to.be.below(51);
  });

  it('bytes that were there before are no progress', async () => {
    world.steps.receive = async (_opened, { onBytes }) => {
      onBytes(10, 1000);
      throw missingDisk();
    };
    world.waitToRetry = async () => world.clock.advance(MINUTE_MS);
    await world.drive();
    expect(world.state().phase).to.equal('failed');
  });

  it('a source that keeps silent for an hour is given up in the middle of a try', async () => {
    world.steps.receive = (_opened, { signal, onBytes }) => {
      onBytes(5, 10);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const driven = world.drive();
    await world.clock.whenPending(1);
    world.clock.advance(GIVE_UP_AFTER_MS);
    await driven;
    const result = world.evidence().get('g4.received')?.result;
    expect(result?.did === 'block' && result.reason).to.match(/effect-given-up.*nothing arrived for 3600000 ms/);
    expect(world.clock.pendingMs()).to.deep.equal([]);
  });

  const STOPS: Record<string, (stop: () => void) => Promise<EvidenceResult>> = {
    'ends with the stop, saying that it was cut off': async (stop) => {
      stop();
      return { did: 'lose', reason: 'the check was stopped before its end' };
    },
    'ends well at the same time': async (stop) => {
      stop();
      return { did: 'observe', observation: { ok: true } };
    },
    'fails at the same time': async (stop) => {
      stop();
      return { did: 'observe', observation: { ok: false } };
    },
    'throws at the stop': async (stop) => {
      stop();
      throw new Error('cut off');
    },
  };
  for (const [title, check] of Object.entries(STOPS)) {
    it(`P8: a stop while a check runs that ${title} leaves no evidence, and it is done again`, async () => {
      world.checks.set('no-env', () => check(() => world.stopping.abort(new Error('stopped'))));
      const error = await errorOf(world.drive());
      expect((error as Error).message).to.be.oneOf(['stopped', 'cut off']);
      expect(world.evidence().has('no-env')).to.equal(false);
      expect(world.state().remaining[0]).to.deep.equal({ do: 'observe', check: 'no-env', gate: 'G5' });
      world.checks.delete('no-env');
      const again = Object.assign(world, { stopping: new AbortController() });
      await again.drive();
      expect(world.done.filter((what) => what === 'no-env')).to.have.length(2);
      expect(world.state().phase).to.equal('proven');
    });
  }

  it('P8: a stop does not wait for a check that does not hear it', async () => {
    const started = Promise.withResolvers<void>();
    world.checks.set('no-env', () => {
      started.resolve();
      return new Promise(() => {});
    });
    const driven = errorOf(world.drive());
    await started.promise;
    world.stopping.abort(new Error('stopped'));
    await world.clock.whenPending(1);
    expect(STOP_GRACE_MS).to.be.at.most(5000);
    world.clock.advance(STOP_GRACE_MS);
    expect(await driven).to.deep.include({ message: 'stopped' });
    expect(world.evidence().has('no-env')).to.equal(false);
    expect(world.clock.pendingMs()).to.deep.equal([]);
  });

  it('P8: a stop ends the wait for another try', async () => {
    world.steps.receive = async () => {
      throw missingDisk();
    };
    world.waitToRetry = async () => world.stopping.abort(new Error('stopped'));
    expect(await errorOf(world.drive())).to.deep.include({ message: 'stopped' });
    expect(world.state().remaining[0]).to.deep.equal({ do: 'receive' });
  });

  it('P8: a full disk leaves the run where it was; with room again it goes on, and repeats what was not recorded', async () => {
    const { database } = world.signed;
    world.checks.set('no-env', () => {
      database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`);
      return { did: 'lose', reason: 'x'.repeat(4000) };
    });
    expect(await errorOf(world.drive())).to.deep.include({ code: 'SQLITE_FULL' });
    expect(world.state().remaining[0]).to.deep.equal({ do: 'observe', check: 'no-env', gate: 'G5' });
    expect(world.evidence().has('no-env')).to.equal(false);
    database.pragma('max_page_count = 1000000');
    world.checks.delete('no-env');
    await world.drive();
    expect(world.state().phase).to.equal('proven');
  });
});
