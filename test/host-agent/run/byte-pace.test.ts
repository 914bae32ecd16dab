import { expect } from 'chai';
import { atBytePace } from '../../../host-agent/run/byte-pace.ts';

function paced() {
  const told: number[] = [];
  let now = 1_000_000;
  const tell = atBytePace({ now: () => now }, (doneBytes) => told.push(doneBytes));
  return {
    told,
    tellAt: (ms: number, done: number) => {
      now = 1_000_000 + ms;
      tell(done, 3000);
    },
  };
}

describe('host-agent/run/byte-pace', () => {
  it('tells of 3,000 small files within a second five times', () => {
    const { told, tellAt } = paced();
    for (let file = 1; file <= 3000; file += 1) tellAt(Math.floor(file / 3), file);
    expect(told).to.deep.equal([1, 750, 1500, 2250, 3000]);
  });

  it('tells of the last byte, however soon it comes', () => {
    const { told, tellAt } = paced();
    tellAt(0, 1);
    tellAt(1, 3000);
    expect(told).to.deep.equal([1, 3000]);
  });

  it('goes on when the clock was set back', () => {
    const { told, tellAt } = paced();
    tellAt(0, 1);
    tellAt(-500_000, 2);
    expect(told).to.deep.equal([1, 2]);
  });
});
