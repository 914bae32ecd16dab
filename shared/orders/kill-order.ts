/**
 * The order that closes a gate for good. Any one approver's signature is enough, because stopping must be easy; it never
 * expires, and obeying one twice does no harm. It has no window, no lease and no evidence: nothing that could make it fail.
 */
import { z } from 'zod';
import { sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { APP_PATTERN } from '../release/release-statement.ts';
import { parseEnvelope, verifyApprovals } from '../trust/dsse.ts';
import { type KeyedApprover, keyedApprovers, type Policy } from '../trust/policy.ts';
import {
  EXECUTION_KILL_PREDICATE,
  encodeStatement,
  parseStatement,
  previewStatement,
  STATEMENT_PAYLOAD_TYPE,
  type Statement,
} from '../trust/statement.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

const predicateSchema = z.strictObject({
  app: z.string().regex(APP_PATTERN),
  /** The hosts that are meant; every host where it is left out. */
  hosts: z.array(z.string().min(1).max(253)).min(1).max(LIMITS.orderHostCount).optional(),
  issuedAt: instantSchema,
  reason: z.string().min(1).max(2_000),
});

export interface KillOrder {
  readonly app: string;
  /** Undefined for every host. */
  readonly hosts: readonly string[] | undefined;
  readonly issuedAtMs: number;
  readonly reason: string;
}

/** The payload to sign. Errors: zod's when a member has the wrong shape. */
export function encodeKillOrder({ app, hosts, issuedAtMs, reason }: KillOrder): Buffer {
  const named = hosts === undefined ? {} : { hosts: [...hosts] };
  const predicate = predicateSchema.parse({ app, ...named, issuedAt: instantOf(issuedAtMs), reason });
  return encodeStatement({ subject: subjectOf(app), predicateType: EXECUTION_KILL_PREDICATE, predicate });
}

/**
 * A kill that somebody of the policy signed and that means this host. Its age does not matter. Errors: those of
 * `readKillOrder`; `order-for-another-host`.
 */
export function verifyKillOrder(
  envelope: Uint8Array,
  { policy, host }: { policy: Policy; host: string },
): { readonly order: KillOrder; readonly by: KeyedApprover } {
  const read = readKillOrder(envelope, policy);
  const { app, hosts } = read.order;
  if (hosts === undefined || hosts.includes(host)) return read;
  const reason = `the order is for ${hosts.length} other hosts`;
  throw new RejectedError('order-for-another-host', `refused to kill "${app}": ${reason}`);
}

/** A kill that somebody of the policy signed. Errors: those of `verifyApprovals` and `parseStatement`; `order-malformed`. */
export function readKillOrder(
  envelope: Uint8Array,
  policy: Policy,
): { readonly order: KillOrder; readonly by: KeyedApprover } {
  const approved = verifyApprovals(parseEnvelope(envelope), keyedApprovers(policy), {
    payloadType: STATEMENT_PAYLOAD_TYPE,
  });
  const order = orderOf(parseStatement(approved, EXECUTION_KILL_PREDICATE));
  const [first] = approved.approvals;
  if (!first) throw malformed('nobody signed it');
  return { order, by: first.approver };
}

/** What an order would say once it is signed: to be shown to whoever may sign it, and for nothing else. Errors: `order-malformed`. */
export function previewKillOrder(payload: Uint8Array): KillOrder {
  return orderOf(previewStatement(payload, EXECUTION_KILL_PREDICATE));
}

function orderOf({ subject, predicate }: Statement): KillOrder {
  const parsed = predicateSchema.safeParse(predicate);
  if (!parsed.success) throw malformed('its members are not those of a kill order');
  const { app, hosts, issuedAt, reason } = parsed.data;
  const [expected] = subjectOf(app);
  if (
    subject.length !== 1 ||
    subject[0]?.name !== expected?.name ||
    subject[0]?.digest.sha256 !== expected?.digest.sha256
  ) {
    throw malformed(`its subject is not "${app}"`);
  }
  return { app, hosts, issuedAtMs: msOf(issuedAt), reason };
}

/** A kill is about an application, whatever stands on the host: its name is what the digest is of. */
function subjectOf(app: string): { name: string; digest: { sha256: string } }[] {
  return [{ name: app, digest: { sha256: sha256(app) } }];
}

function malformed(reason: string): RejectedError {
  return new RejectedError('order-malformed', `failed to read kill order: ${reason}`);
}
