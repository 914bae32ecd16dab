import type { Server } from '@grpc/grpc-js';

import { operatorService } from '../../shared/rpc/definitions.ts';
import type { OperatorService } from '../../shared/rpc/generated/services.ts';
import { type OperatorIdentity, parsePeerIdentity } from '../../shared/rpc/peer-identity.ts';
import { addService, type Handlers } from '../../shared/rpc/serve.ts';
import { admitOperator } from '../authority/caller-admission.ts';
import { serveBlobs } from '../blobs/serve-blobs.ts';
import { serveRepositoryFile } from '../store/repository.ts';
import { createJoinToken } from './create-join-token.ts';
import { deploy } from './deploy.ts';
import { fetchReport } from './fetch-report.ts';
import { getRun } from './get-run.ts';
import { listHosts } from './list-hosts.ts';
import { listReleases } from './list-releases.ts';
import { listRuns } from './list-runs.ts';
import { missingBlobs } from './missing-blobs.ts';
import type { OperatorContext } from './operator-context.ts';
import { publish } from './publish.ts';
import { revokeHost } from './revoke-host.ts';
import { checkRole } from './role-table.ts';
import { rollback } from './rollback.ts';
import { uploadBlob } from './upload-blob.ts';
import { watchRun } from './watch-run.ts';

/** For people and pipelines; a listener that demands client certificates has to stand before it. */
export function addOperatorService(server: Server, context: OperatorContext): void {
  addService<OperatorService, OperatorIdentity>(server, {
    service: operatorService,
    audience: 'operator',
    handlers: handlersOf(context),
    authorize: async (method, call) => {
      const identity = parsePeerIdentity(call.getAuthContext().sslPeerCertificate);
      const operator = await admitOperator(context.store, identity, context.clock.now());
      checkRole(method, operator);
      return operator;
    },
    onError: context.onError,
  });
}

function handlersOf(context: OperatorContext): Handlers<OperatorService, OperatorIdentity> {
  return {
    missingBlobs: (request) => missingBlobs(context, request),
    uploadBlob: (pieces) => uploadBlob(context, pieces),
    publish: (request) => publish(context, request),
    fetchMetadata: ({ name }) => serveRepositoryFile(context.store, name),
    fetchBlobs: ({ wants }) => serveBlobs(context.blobs, wants),
    listReleases: () => listReleases(context),
    createJoinToken: (request) => createJoinToken(context, request),
    listHosts: () => listHosts(context),
    revokeHost: (request) => revokeHost(context, request),
    deploy: (request) => deploy(context, request),
    rollback: (request) => rollback(context, request),
    listRuns: (request) => listRuns(context, request),
    getRun: (request) => getRun(context, request),
    watchRun: (request, { signal }) => watchRun(context, request, signal),
    fetchReport: (request) => fetchReport(context, request),
  };
}
