import { expect } from 'chai';
import { askHealth } from '../../../control-plane/cli/client-health.ts';
import { TransientError } from '../../../shared/errors.ts';
import { CommandWorld } from '../../support/command-line.ts';

describe('askHealth', function () {
  this.timeout(30_000);

  it('hears a real control plane say that it serves, and how long that took', async () => {
    await using world = await CommandWorld.started();
    const health = await askHealth(world.home.loadOperator('viewer'), { timeoutMs: 10_000 });
    expect(health.isServing).to.equal(true);
    expect(health.roundTripMs).to.be.above(0).and.below(10_000);
  });

  it('is a transient failure where nobody listens', async () => {
    await using world = await CommandWorld.started();
    await world.stop();
    const error = await askHealth(world.home.loadOperator('viewer'), { timeoutMs: 10_000 }).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).to.be.instanceOf(TransientError);
  });
});
