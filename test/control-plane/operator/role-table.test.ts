import { expect } from 'chai';

import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { ROLE_TABLE } from '../../../control-plane/operator/role-table.ts';
import type { OperatorService } from '../../../shared/rpc/generated/services.ts';
import { ROLES, type Role } from '../../../shared/rpc/peer-identity.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

type Method = keyof OperatorService;

/** Who is let in, told apart from the table that decides it. */
const LET_IN: Readonly<Record<Method, readonly Role[]>> = {
  missingBlobs: ['releaser'],
  uploadBlobs: ['releaser'],
  publish: ['releaser'],
  fetchMetadata: ['viewer', 'operator', 'releaser'],
  fetchBlobs: ['viewer', 'operator', 'releaser'],
  listReleases: ['viewer', 'operator', 'releaser'],
  createJoinToken: ['operator'],
  listHosts: ['viewer', 'operator', 'releaser'],
  revokeHost: ['operator'],
  listOperators: ['viewer', 'operator', 'releaser'],
  revokeOperator: ['operator'],
  deploy: ['operator'],
  rollback: ['operator'],
  listRuns: ['viewer', 'operator', 'releaser'],
  getRun: ['viewer', 'operator', 'releaser'],
  watchRun: ['viewer', 'operator', 'releaser'],
  fetchReport: ['viewer', 'operator', 'releaser'],
  fetchCheckpoint: ['viewer', 'operator', 'releaser'],
  listLog: ['viewer', 'operator', 'releaser'],
  submitDecision: ['operator'],
  listDecisions: ['viewer', 'operator', 'releaser'],
  fetchDecision: ['viewer', 'operator', 'releaser'],
  approve: ['viewer', 'operator', 'releaser'],
  sendEnable: ['operator'],
  sendRuling: ['operator'],
  kill: ['operator'],
  watchOrder: ['viewer', 'operator', 'releaser'],
  listGates: ['viewer', 'operator', 'releaser'],
  runLive: ['operator'],
  watchLive: ['viewer', 'operator', 'releaser'],
  keepDrillOrders: ['operator'],
  startDrill: ['operator'],
  startKillDrill: ['operator'],
  watchDrill: ['viewer', 'operator', 'releaser'],
  listDrills: ['viewer', 'operator', 'releaser'],
};

const NOTHING = Buffer.alloc(0);

/** A harmless call of each method, which fails for its own reason once it is let in. */
const CALLS: Readonly<Record<Method, (client: OperatorClient) => Promise<unknown>>> = {
  missingBlobs: (client) => client.missingBlobs({ sha256: [] }),
  uploadBlobs: (client) => client.uploadBlobs(nothing()),
  publish: (client) => client.publish({ metadata: [], targets: [] }),
  fetchMetadata: (client) => collected(client.fetchMetadata({ name: 'timestamp.json' })),
  fetchBlobs: (client) => collected(client.fetchBlobs({ wants: [] })),
  listReleases: (client) => client.listReleases({}),
  createJoinToken: (client) => client.createJoinToken({ host: 'web-1', lifetimeMs: 1000 }),
  listHosts: (client) => client.listHosts({}),
  revokeHost: (client) => client.revokeHost({ host: 'nobody' }),
  listOperators: (client) => client.listOperators({}),
  revokeOperator: (client) => client.revokeOperator({ name: 'nobody', serial: '' }),
  deploy: (client) => client.deploy({ host: 'nobody', app: 'demo', version: '1.0' }),
  rollback: (client) => client.rollback({ host: 'nobody', app: 'demo', version: '1.0' }),
  listRuns: (client) => client.listRuns({ host: '', limit: 0 }),
  getRun: (client) => collected(client.getRun({ runId: 'none' })),
  watchRun: (client) => collected(client.watchRun({ runId: 'none', fromSeq: 0, untilPhases: [] })),
  fetchReport: (client) => collected(client.fetchReport({ runId: 'none' })),
  fetchCheckpoint: (client) => client.fetchCheckpoint({ oldSize: 0 }),
  listLog: (client) => collected(client.listLog({ first: 0, limit: 0 })),
  submitDecision: (client) => client.submitDecision({ document: NOTHING }),
  listDecisions: (client) => client.listDecisions({}),
  fetchDecision: (client) => collected(client.fetchDecision({ id: 'none' })),
  approve: (client) => client.approve({ id: 'none', envelope: NOTHING }),
  sendEnable: (client) => client.sendEnable({ envelope: NOTHING, leaves: [] }),
  sendRuling: (client) => client.sendRuling({ envelope: NOTHING, runId: 'none' }),
  // With an order, it is the order's signature that lets it in.
  kill: (client) => client.kill({ app: 'demo', hosts: ['nobody'], reason: 'a test', envelope: NOTHING }),
  watchOrder: (client) => collected(client.watchOrder({ order: 'none' })),
  listGates: (client) => client.listGates({ app: 'demo' }),
  runLive: (client) => client.runLive({ host: 'nobody', app: 'demo', entrypoint: 'live' }),
  watchLive: (client) => collected(client.watchLive({ liveId: 'none' })),
  keepDrillOrders: (client) => client.keepDrillOrders({ orders: [], leaves: [] }),
  startDrill: (client) => client.startDrill({ app: 'demo', hosts: ['nobody'] }),
  startKillDrill: (client) => client.startKillDrill({ hosts: ['nobody'], rounds: 1 }),
  watchDrill: (client) => collected(client.watchDrill({ drillId: 'none' })),
  listDrills: (client) => client.listDrills({ limit: 0 }),
};

describe('control-plane/operator/role-table', () => {
  let world: ControlPlaneWorld;
  before(async () => {
    world = await ControlPlaneWorld.start();
  });
  after(() => world.stop());

  it('has a row for every method and every role: 105 in all', () => {
    expect(Object.keys(ROLE_TABLE)).to.have.members(Object.keys(LET_IN));
    expect(Object.keys(LET_IN).length * ROLES.length).to.equal(105);
  });

  for (const role of ROLES) {
    for (const method of Object.keys(LET_IN) as Method[]) {
      const isLetIn = LET_IN[method].includes(role);
      it(`${isLetIn ? 'lets' : 'does not let'} a ${role} call ${method}`, async () => {
        const code = await codeOf(CALLS[method](await world.operator(role)));
        if (isLetIn) expect(code).to.not.be.oneOf(['role-not-sufficient', 'transient']);
        else expect(code).to.equal('role-not-sufficient');
      });
    }
  }
});

async function* nothing(): AsyncGenerator<never> {}
