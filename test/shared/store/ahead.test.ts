import { expect } from 'chai';
import { ahead } from '../../../shared/store/ahead.ts';
import { errorOf } from '../../support/errors-of.ts';
import { collected } from '../../support/rejection-of.ts';

describe('working ahead', () => {
  it('gives results in the order of their items, whichever is done first', async () => {
    const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const results = ahead([0, 1, 2, 3], 4, async (item) => {
      await gates[item]?.promise;
      return item;
    });
    for (const gate of gates.toReversed()) gate.resolve();
    expect(await collected(results)).to.deep.equal([0, 1, 2, 3]);
  });

  it('has no more than the width under way', async () => {
    let underWay = 0;
    let most = 0;
    const work = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
    };
    for await (const _ of ahead(Array.from({ length: 20 }), 3, work)) underWay -= 1;
    expect(most).to.equal(3);
  });

  it('takes no further item once the reader has stopped', async () => {
    const taken: number[] = [];
    for await (const result of ahead(counting(taken), 2, async (item) => item)) if (result === 1) break;
    expect(taken).to.deep.equal([0, 1, 2]);
  });

  it('throws the first failure in its place, and leaves no later one unheard', async () => {
    const seen: number[] = [];
    const failing = async () => {
      const work = async (item: number) => {
        if (item > 0) throw new Error(`item ${item}`);
        return item;
      };
      for await (const result of ahead([0, 1, 2, 3], 3, work)) seen.push(result);
    };
    expect(await errorOf(failing())).to.have.property('message', 'item 1');
    expect(seen).to.deep.equal([0]);
  });
});

function* counting(taken: number[]): Generator<number> {
  for (let item = 0; ; item += 1) {
    taken.push(item);
    yield item;
  }
}
