import { expect } from 'chai';

import { systemClock, waitFor } from '../../../shared/time/clock.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { Wakeup } from '../../../shared/time/wakeup.ts';

describe('shared/time', () => {
  it('fires what is due on the way, each at its own instant, also what is set by what fires', () => {
    const clock = new FakeClock(1_000);
    const fired: number[] = [];
    clock.setTimer(30, () => fired.push(clock.now()));
    clock.setTimer(10, () => {
      fired.push(clock.now());
      clock.setTimer(5, () => fired.push(clock.now()));
    });
    clock.setTimer(40, () => fired.push(clock.now())).cancel();
    clock.advance(50);
    expect(fired).to.deep.equal([1_010, 1_015, 1_030]);
    expect(clock.now()).to.equal(1_050);
    expect(clock.pendingMs()).to.deep.equal([]);
  });

  it('waits until it is time, or until it is aborted, and leaves no timer', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const [due, aborted] = [waitFor(clock, 10, new AbortController().signal), waitFor(clock, 99, controller.signal)];
    clock.advance(10);
    await due;
    controller.abort();
    await aborted;
    expect(clock.pendingMs()).to.deep.equal([]);
    await waitFor(clock, 99, controller.signal);
  });

  it('does not fire a timer of a month at once, as Node would', async () => {
    let isFired = false;
    const timer = systemClock.setTimer(31 * 24 * 60 * 60 * 1000, () => {
      isFired = true;
    });
    await new Promise((resolve) => systemClock.setTimer(5, () => resolve(undefined)));
    timer.cancel();
    expect(isFired).to.equal(false);
  });

  it('loses no wake-up that comes while nobody sleeps', async () => {
    const wakeup = new Wakeup();
    const { signal } = new AbortController();
    wakeup.wake();
    wakeup.wake();
    await wakeup.sleep(signal);
    let isAwake = false;
    const sleeping = wakeup.sleep(signal).then(() => {
      isAwake = true;
    });
    await new Promise(setImmediate);
    expect(isAwake).to.equal(false);
    wakeup.wake();
    await sleeping;
  });

  it('wakes a sleeper whose signal is aborted', async () => {
    const controller = new AbortController();
    const sleeping = new Wakeup().sleep(controller.signal);
    controller.abort();
    await sleeping;
  });
});
