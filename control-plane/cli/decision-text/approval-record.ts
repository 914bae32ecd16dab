/** What is remembered of an approval, so that the next one can be compared with it. */
import { z } from 'zod';
import type { EnableOrder } from '../../../shared/orders/enable-order.ts';
import type { Plan } from '../../../shared/release/plan.ts';
import type { DecisionHost, EnableDecision } from './enable-decision.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const ms = z.int().min(0);

const entrypointSchema = z.strictObject({
  name: z.string(),
  /** Absent where no evidence was carried. */
  runs: z.strictObject({ argv: z.array(z.string()), network: z.boolean(), writable: z.array(z.string()) }).optional(),
});

const hostSchema = z.strictObject({
  host: z.string(),
  head: digest,
  epoch: z.int().min(0),
  /** Each with its statement; absent where its evidence was not carried. */
  subGaps: z.array(z.string()).optional(),
});

export const approvalRecordSchema = z.strictObject({
  schema: z.literal('keyturn.approval-record/v1'),
  approvedAtMs: ms,
  app: z.string(),
  version: z.string(),
  treeDigest: digest,
  entrypoints: z.array(entrypointSchema),
  windowMs: ms,
  leaseMs: ms,
  hostCount: z.int().min(1),
  /** Absent where they were too many to be remembered. */
  hosts: z.array(hostSchema).optional(),
});

export type ApprovalRecord = z.infer<typeof approvalRecordSchema>;
export type RecordedEntrypoint = ApprovalRecord['entrypoints'][number];
export type RecordedHost = NonNullable<ApprovalRecord['hosts']>[number];

export function approvalRecordOf({ order, hosts, plan }: EnableDecision, approvedAtMs: number): ApprovalRecord {
  const { app, version, treeDigest, entrypoints, notBeforeMs, expiresMs, leaseMs }: EnableOrder = order;
  return {
    schema: 'keyturn.approval-record/v1',
    approvedAtMs,
    app,
    version,
    treeDigest,
    entrypoints: entrypoints.map((name) => entrypointOf(name, plan)),
    windowMs: expiresMs - notBeforeMs,
    leaseMs,
    hostCount: hosts.length,
    hosts: hosts.map(hostOf),
  };
}

function entrypointOf(name: string, plan: Plan | undefined): RecordedEntrypoint {
  const planned = plan?.entrypoints[name];
  if (!planned) return { name };
  const { argv, network, writable } = planned;
  return { name, runs: { argv, network, writable } };
}

function hostOf({ leaf: { host, head, epoch }, ledger }: DecisionHost): RecordedHost {
  if (!ledger) return { host, head, epoch };
  return { host, head, epoch, subGaps: ledger.summary.subGaps.map(({ id, statement }) => `${id}: ${statement}`) };
}
