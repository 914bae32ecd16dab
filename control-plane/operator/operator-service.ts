import type { Server } from '@grpc/grpc-js';

import { RejectedError } from '../../shared/errors.ts';
import { operatorService } from '../../shared/rpc/definitions.ts';
import type { OperatorService } from '../../shared/rpc/generated/services.ts';
import type { OperatorIdentity } from '../../shared/rpc/peer-identity.ts';
import { addService, type Handlers, type OpenCall } from '../../shared/rpc/serve.ts';
import { admitOperator, operatorIdentityOf } from '../authority/caller-admission.ts';
import { serveBlobs } from '../blobs/serve-blobs.ts';
import { keepDrillOrders } from '../governance/keep-drill-orders.ts';
import { startDrill } from '../governance/refusal-drill.ts';
import { serveRepositoryFile } from '../store/repository.ts';
import { createJoinToken } from './create-join-token.ts';
import { approve, fetchDecision, listDecisions, submitDecision } from './decisions.ts';
import { deploy } from './deploy.ts';
import { beginKillDrill, listDrills, watchDrill } from './drills.ts';
import { fetchReport } from './fetch-report.ts';
import { getRun } from './get-run.ts';
import { kill } from './kill.ts';
import { listGates } from './list-gates.ts';
import { listHosts } from './list-hosts.ts';
import { listOperators } from './list-operators.ts';
import { listReleases } from './list-releases.ts';
import { listRuns } from './list-runs.ts';
import { missingBlobs } from './missing-blobs.ts';
import type { OperatorContext } from './operator-context.ts';
import { publish } from './publish.ts';
import { fetchCheckpoint, listLog } from './read-log.ts';
import { revokeHost } from './revoke-host.ts';
import { revokeOperator } from './revoke-operator.ts';
import { checkRole } from './role-table.ts';
import { rollback } from './rollback.ts';
import { runLive } from './run-live.ts';
import { sendEnable } from './send-enable.ts';
import { sendRuling } from './send-ruling.ts';
import { uploadBlobs } from './upload-blobs.ts';
import { watchLive } from './watch-live.ts';
import { watchOrder } from './watch-order.ts';
import { watchRun } from './watch-run.ts';

/** For people and pipelines; a listener that demands client certificates has to stand before it. */
export function addOperatorService(server: Server, context: OperatorContext): void {
  addService<OperatorService, OperatorIdentity>(server, {
    service: operatorService,
    audience: 'operator',
    handlers: handlersOf(context),
    enter: (call) => enterCall(context, operatorIdentityOf(call)),
    authorize: async (method, call) => {
      const operator = await admitOperator(context.store, operatorIdentityOf(call), context.clock.now());
      checkRole(method, operator);
      return operator;
    },
    onError: context.onError,
  });
}

/** By serial, because a revocation may mean one certificate of several; no call outlives its certificate. */
function enterCall({ operatorCalls, clock }: OperatorContext, { serial, expiresAt, name }: OperatorIdentity): OpenCall {
  const { signal, leave } = operatorCalls.enter(serial);
  const expired = new RejectedError('certificate-expired', `the certificate "${serial}" of "${name}" has expired`);
  const expiry = clock.setTimer(expiresAt - clock.now(), () => operatorCalls.end(serial, expired));
  return {
    signal,
    leave: () => {
      expiry.cancel();
      leave();
    },
  };
}

function handlersOf(context: OperatorContext): Handlers<OperatorService, OperatorIdentity> {
  return {
    missingBlobs: (request) => missingBlobs(context, request),
    uploadBlobs: (parcels) => uploadBlobs(context, parcels),
    publish: (request) => publish(context, request),
    fetchMetadata: ({ name }) => serveRepositoryFile(context.store, name),
    fetchBlobs: ({ wants }) => serveBlobs(context.blobs, wants),
    listReleases: () => listReleases(context),
    createJoinToken: (request) => createJoinToken(context, request),
    listHosts: () => listHosts(context),
    revokeHost: (request) => revokeHost(context, request),
    listOperators: () => listOperators(context),
    revokeOperator: (request) => revokeOperator(context, request),
    deploy: (request) => deploy(context, request),
    rollback: (request) => rollback(context, request),
    listRuns: (request) => listRuns(context, request),
    getRun: (request) => getRun(context, request),
    watchRun: (request, { signal }) => watchRun(context, request, signal),
    fetchReport: (request) => fetchReport(context, request),
    fetchCheckpoint: (request) => fetchCheckpoint(context, request),
    listLog: (request) => listLog(context, request),
    submitDecision: (request) => submitDecision(context, request),
    listDecisions: () => listDecisions(context),
    fetchDecision: (request) => fetchDecision(context, request),
    approve: (request) => approve(context, request),
    sendEnable: (request) => sendEnable(context, request),
    sendRuling: (request) => sendRuling(context, request),
    kill: (request, { caller }) => kill(context, request, caller),
    watchOrder: (request, { signal }) => watchOrder(context, request, signal),
    listGates: (request) => listGates(context, request),
    runLive: (request) => runLive(context, request),
    watchLive: (request, { signal }) => watchLive(context, request, signal),
    keepDrillOrders: (request) => keepDrillOrders(context, request),
    startDrill: (request) => startDrill(context, request),
    startKillDrill: (request) => beginKillDrill(context, request),
    watchDrill: (request, { signal }) => watchDrill(context, request, signal),
    listDrills: (request) => listDrills(context, request),
  };
}
