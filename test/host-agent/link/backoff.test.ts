import { expect } from 'chai';
import fc from 'fast-check';

import { backoffMs, LONGEST_BOUND_MS, longBackoffMs } from '../../../host-agent/link/backoff.ts';

const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('host-agent/link/backoff', () => {
  it('never waits longer than a minute, and never dials at once, however many failures there were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), draw, (failures, drawn) => {
        expect(backoffMs(failures, () => drawn)).to.be.within(100, LONGEST_BOUND_MS);
      }),
    );
  });

  it('waits at least half a minute after a refusal', () => {
    fc.assert(
      fc.property(draw, (drawn) => void expect(longBackoffMs(() => drawn)).to.be.within(30_000, LONGEST_BOUND_MS)),
    );
  });
});
