/** Who may call what. Each method has a row, so that a new one cannot be forgotten. */
import { RejectedError } from '../../shared/errors.ts';
import type { OperatorService } from '../../shared/rpc/generated/services.ts';
import { type OperatorIdentity, ROLES, type Role } from '../../shared/rpc/peer-identity.ts';

const ANYBODY = ROLES;

export const ROLE_TABLE: Readonly<Record<keyof OperatorService, readonly Role[]>> = {
  missingBlobs: ['releaser'],
  uploadBlobs: ['releaser'],
  publish: ['releaser'],
  fetchMetadata: ANYBODY,
  fetchBlobs: ANYBODY,
  listReleases: ANYBODY,
  createJoinToken: ['operator'],
  listHosts: ANYBODY,
  revokeHost: ['operator'],
  listOperators: ANYBODY,
  revokeOperator: ['operator'],
  deploy: ['operator'],
  rollback: ['operator'],
  listRuns: ANYBODY,
  getRun: ANYBODY,
  watchRun: ANYBODY,
  fetchReport: ANYBODY,
  fetchCheckpoint: ANYBODY,
  listLog: ANYBODY,
  submitDecision: ['operator'],
  listDecisions: ANYBODY,
  fetchDecision: ANYBODY,
  approve: ANYBODY,
  sendEnable: ['operator'],
  sendRuling: ['operator'],
  // An approver's signature is enough; without one, `kill` asks for an operator.
  kill: ANYBODY,
  watchOrder: ANYBODY,
  listGates: ANYBODY,
  runLive: ['operator'],
  watchLive: ANYBODY,
  keepDrillOrders: ['operator'],
  startDrill: ['operator'],
  startKillDrill: ['operator'],
  watchDrill: ANYBODY,
  listDrills: ANYBODY,
};

/** Errors: `RejectedError('role-not-sufficient')`. */
export function checkRole(method: keyof OperatorService, { name, role }: OperatorIdentity): void {
  const allowed = ROLE_TABLE[method];
  if (allowed.includes(role)) return;
  throw new RejectedError(
    'role-not-sufficient',
    `failed to call ${method}: "${name}" is ${role}, expected ${allowed.join(' or ')}`,
    {
      hint: 'use a certificate with that role',
    },
  );
}
