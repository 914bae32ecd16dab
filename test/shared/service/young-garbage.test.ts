import { expect } from 'chai';
import { YoungGarbage } from '../../../shared/service/young-garbage.ts';

const MIB = 1024 * 1024;

describe('shared/service/young-garbage', () => {
  const own = globalThis.gc;
  afterEach(() => {
    globalThis.gc = own;
  });

  it('collects the young generation once for each sixteen megabytes that streamed past, and not in between', () => {
    const collected: unknown[] = [];
    globalThis.gc = ((options: unknown) => void collected.push(options)) as unknown as NonNullable<typeof own>;
    const garbage = new YoungGarbage();
    const counts = Array.from({ length: 40 }, () => {
      garbage.passed(MIB);
      return collected.length;
    });
    expect([counts[14], counts[15], counts[30], counts[31], counts[39]]).to.deep.equal([0, 1, 1, 2, 2]);
    expect(collected).to.deep.equal(Array(2).fill({ type: 'minor', execution: 'sync' }));
  });

  it('does nothing where the program was started without the flag', () => {
    globalThis.gc = undefined;
    expect(() => new YoungGarbage().passed(64 * MIB)).to.not.throw();
  });
});
