import { expect } from 'chai';
import { Patience } from '../../../host-agent/run/patience.ts';
import { TransientError } from '../../../shared/errors.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';

const LIMIT_MS = 1000;

describe('patience', () => {
  let clock: FakeClock;
  let stopping: AbortController;
  let patience: Patience;
  beforeEach(() => {
    clock = new FakeClock();
    stopping = new AbortController();
    patience = new Patience({ clock, stopping: stopping.signal, limitMs: LIMIT_MS });
  });

  it('counts tries that failed in a row, and is lost when they have lasted', () => {
    expect([patience.failed(), patience.failed(), patience.failed()]).to.deep.equal([0, 1, 2]);
    clock.advance(LIMIT_MS - 1);
    expect(patience.failed()).to.equal(3);
    clock.advance(1);
    expect(patience.failed()).to.equal('lost');
  });

  it('counts from the first failure, not from the beginning', () => {
    clock.advance(10 * LIMIT_MS);
    expect(patience.failed()).to.equal(0);
  });

  it('begins anew when more arrived than ever before, and only then', () => {
    patience.arrived(10);
    patience.failed();
    clock.advance(LIMIT_MS - 1);
    patience.arrived(11);
    expect(patience.failed()).to.equal(0);
    clock.advance(LIMIT_MS - 1);
    patience.arrived(11);
    patience.arrived(3);
    clock.advance(1);
    expect(patience.failed()).to.equal('lost');
  });

  it('is lost in a silence that is watched, and says so to whoever waits', () => {
    clock.advance(5 * LIMIT_MS);
    patience.watch();
    clock.advance(LIMIT_MS - 1);
    expect(patience.signal.aborted).to.equal(false);
    patience.watch();
    clock.advance(1);
    expect(patience.signal.reason).to.be.instanceOf(TransientError);
    expect(patience.failed()).to.equal('lost');
  });

  it('ends with the agent, for the reason of that', () => {
    stopping.abort(new Error('stopped'));
    expect(patience.signal.reason).to.deep.include({ message: 'stopped' });
  });

  it('leaves no timer', () => {
    patience.watch();
    patience.arrived(1);
    patience[Symbol.dispose]();
    expect(clock.pendingMs()).to.deep.equal([]);
  });
});
