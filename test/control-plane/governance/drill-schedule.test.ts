/** Drills that nobody starts: they come when they are due, also after a restart, and a host that is away does not end them. */
import { expect } from 'chai';
import { addDrill, saveDrillOrder } from '../../../control-plane/store/drills.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';

/** As no other timer of a control plane is. */
const EVERY_MS = 7 * HOUR_MS + 7;

describe('control-plane/governance/drill-schedule', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    await world.enrolledHost('web-1');
    const order = { app: 'demo', host: 'web-1', name: 'expired', envelope: Buffer.from('{}'), run_id: 'r' };
    const bound = { head: sha256('x'), epoch: 0, evidence_index: 0, evidence_path: Buffer.alloc(0), prepared_at: 1 };
    await saveDrillOrder(world.controlPlane.store, { ...order, ...bound });
  });
  afterEach(() => world.stop());

  it('has no timer unless it was asked for', async () => {
    expect(world.clock.pendingMs()).to.not.include(EVERY_MS);
  });

  it('drills when it is due and again after that, though no host is there', async () => {
    await scheduled(EVERY_MS);
    for (const times of [1, 2]) {
      world.clock.advance(EVERY_MS);
      await until(() => tries() === times && world.clock.pendingMs().includes(EVERY_MS));
    }
  });

  it('counts from the last drill, whoever started it, and not from its own start', async () => {
    const started_at = world.clock.now() - 4 * HOUR_MS;
    await addDrill(world.controlPlane.store, { id: '0', kind: 'refusal', app: 'demo', started_at });
    await scheduled(EVERY_MS - 4 * HOUR_MS);
    await world.stopControlPlane();
    expect(world.clock.pendingMs()).to.not.include(EVERY_MS - 4 * HOUR_MS);
  });

  async function scheduled(dueMs: number): Promise<void> {
    await world.stopControlPlane();
    await world.startControlPlane({ drillEveryMs: EVERY_MS });
    await until(() => world.clock.pendingMs().includes(dueMs));
  }

  function tries(): number {
    return world.errors.filter(({ error }) => error instanceof RejectedError && error.code === 'drill-without-hosts')
      .length;
  }
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}
