import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';

import { forEachInParallel } from '../../../shared/store/in-parallel.ts';
import { errorOf } from '../../support/errors-of.ts';

describe('shared/store/in-parallel', () => {
  const items = Array.from({ length: 20 }, (_, index) => index);

  it('does each item once, never more than allowed at a time', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await forEachInParallel(items, { width: 3 }, async (item) => {
      most = Math.max(most, ++running);
      await setImmediate();
      running -= 1;
      done.push(item);
    });
    expect(done.sort((a, b) => a - b)).to.deep.equal(items);
    expect(most).to.equal(3);
  });

  it('throws the first error once what had begun has ended, and begins nothing more', async () => {
    const begun: number[] = [];
    let running = 0;
    const error = await errorOf(
      forEachInParallel(items, { width: 4 }, async (item) => {
        begun.push(item);
        running += 1;
        await setImmediate();
        running -= 1;
        if (item === 1) throw new Error('item 1');
      }),
    );
    expect(error).to.have.property('message', 'item 1');
    expect(running).to.equal(0);
    expect(begun.length).to.be.at.most(8);
  });

  it('stops with the reason of the signal', async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const error = await errorOf(
      forEachInParallel(items, { width: 1, signal: stop.signal }, async (item) => {
        begun.push(item);
        if (item === 2) stop.abort(new Error('killed'));
      }),
    );
    expect(error).to.have.property('message', 'killed');
    expect(begun).to.deep.equal([0, 1, 2]);
  });
});
