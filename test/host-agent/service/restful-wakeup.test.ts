import { expect } from 'chai';
import { QUIET_MS, RestfulWakeup } from '../../../host-agent/service/restful-wakeup.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';

describe('host-agent/service/restful-wakeup', () => {
  const never = new AbortController().signal;
  let clock: FakeClock;
  let collections: number;
  let wakeup: RestfulWakeup;
  beforeEach(() => {
    clock = new FakeClock(0);
    collections = 0;
    wakeup = new RestfulWakeup({ clock, collect: () => (collections += 1) });
  });

  it('collects once in a sleep, however long that is, and not before it is quiet', async () => {
    const sleep = wakeup.sleep(never);
    await clock.advance(QUIET_MS - 1);
    expect(collections).to.equal(0);
    await clock.advance(1);
    expect(collections).to.equal(1);
    await clock.advance(1_000 * QUIET_MS);
    expect(collections).to.equal(1);
    wakeup.wake();
    await sleep;
  });

  it('collects nothing while there is always something to do', async () => {
    for (let round = 0; round < 10; round += 1) {
      const sleep = wakeup.sleep(never);
      await clock.advance(QUIET_MS - 1);
      wakeup.wake();
      await sleep;
    }
    await clock.advance(QUIET_MS);
    expect(collections).to.equal(0);
  });

  it('leaves no timer behind when the agent stops', async () => {
    const stopping = new AbortController();
    const sleep = wakeup.sleep(stopping.signal);
    stopping.abort();
    await sleep;
    await clock.advance(QUIET_MS);
    expect(collections).to.equal(0);
  });

  it('only sleeps where nothing can collect', async () => {
    const sleep = new RestfulWakeup({ clock, collect: undefined });
    sleep.wake();
    await sleep.sleep(never);
    expect(collections).to.equal(0);
  });
});
