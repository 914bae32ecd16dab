import { expect } from 'chai';
import { fieldOf, forgetPeak, memoryOf, peakKiB } from './process-memory.ts';

describe('the memory of a process', () => {
  it('is read from the kernel', () => {
    const { rssKiB, privateDirtyKiB } = memoryOf(process.pid);
    expect(rssKiB).to.be.above(10_000);
    expect(privateDirtyKiB).to.be.within(1, rssKiB);
  });

  it('has a peak that is forgotten on demand and counts anew', () => {
    forgetPeak(process.pid);
    const before = peakKiB(process.pid);
    const held = Buffer.alloc(64 * 1024 * 1024, 1);
    expect(peakKiB(process.pid) - before).to.be.above(60 * 1024);
    expect(held[0]).to.equal(1);
  });

  it('is not made up when the kernel does not tell it', () => {
    expect(() => fieldOf('Rss: many kB', 'Rss')).to.throw('the kernel does not tell it');
  });
});
