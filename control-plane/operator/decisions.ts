/**
 * The inbox: decisions that wait to be signed. Nothing here is trusted by anybody: what counts are the signatures, and those
 * that no approver of the policy made are not taken in, so that the inbox stays readable.
 */
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import {
  type DecisionRequest,
  decisionId,
  encodeDecision,
  envelopeOf,
  parseDecision,
  withSignature,
} from '../../shared/orders/decision-request.ts';
import { decisionTitle } from '../../shared/orders/decision-title.ts';
import type {
  ApproveRequest,
  ApproveResponse,
  DecisionPiece,
  FetchDecisionRequest,
  ListDecisionsResponse,
  SubmitDecisionRequest,
  SubmitDecisionResponse,
} from '../../shared/rpc/generated/messages.ts';
import { parseEnvelope, type UnverifiedEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import { keyedApprovers, type Policy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { policyInForce } from '../governance/policy-in-force.ts';
import { listDecisions as allDecisions, findDecisions, saveDecision } from '../store/decisions.ts';
import type { DecisionRow } from '../store/schema.ts';
import type { OperatorContext } from './operator-context.ts';

/** One that waits already keeps the signatures that it has. Errors: those of `parseDecision` and `decisionTitle`. */
export async function submitDecision(
  { store, clock }: OperatorContext,
  { document }: SubmitDecisionRequest,
): Promise<SubmitDecisionResponse> {
  const request = parseDecision(document);
  const title = decisionTitle(request);
  const id = decisionId(request);
  const policy = await policyInForce(store);
  await store.transaction().execute(async (transaction) => {
    const [before] = await findDecisions(transaction, id);
    const merged = signedBy(policy, before ? withAll(parseDecision(before.document), request) : request);
    await saveDecision(transaction, {
      id,
      kind: merged.kind,
      title,
      document: encodeDecision(merged),
      signature_count: merged.signatures.length,
      submitted_at: before?.submitted_at ?? clock.now(),
      sent_at: before?.sent_at ?? null,
    });
  });
  return { id };
}

export async function listDecisions({ store }: OperatorContext): Promise<ListDecisionsResponse> {
  const rows = await allDecisions(store);
  return {
    decisions: rows.map(({ id, kind, title, submitted_at, sent_at, signature_count }) => ({
      id,
      kind,
      title,
      submittedAtMs: submitted_at,
      sentAtMs: sent_at ?? 0,
      signatureCount: signature_count,
    })),
  };
}

/** Errors: `decision-unknown`, `decision-ambiguous`. */
export async function* fetchDecision(
  { store }: OperatorContext,
  { id }: FetchDecisionRequest,
): AsyncGenerator<DecisionPiece> {
  const { document } = await existingDecision(store, id);
  for (let offset = 0; offset < document.length; offset += LIMITS.blobChunkBytes) {
    yield { data: document.subarray(offset, offset + LIMITS.blobChunkBytes) };
  }
}

/** Errors: those of `existingDecision` and `verifyApprovals`; `decision-differs`. */
export async function approve({ store }: OperatorContext, { id, envelope }: ApproveRequest): Promise<ApproveResponse> {
  const policy = await policyInForce(store);
  const parsed = parseEnvelope(envelope);
  verifyApprovals(parsed, keyedApprovers(policy), { payloadType: STATEMENT_PAYLOAD_TYPE });
  return store.transaction().execute(async (transaction) => {
    const row = await existingDecision(transaction, id);
    const request = parseDecision(row.document);
    if (!parsed.payload.equals(request.payload)) {
      throw new RejectedError('decision-differs', `failed to approve "${id}": something else was signed`);
    }
    const signatures = parsed.signatures.map(({ keyId = '', signature }) => ({ keyid: keyId, sig: signature }));
    const signed = signedBy(policy, signatures.reduce(withSignature, request));
    const signature_count = signed.signatures.length;
    await saveDecision(transaction, { ...row, document: encodeDecision(signed), signature_count });
    return { signatureCount: signature_count };
  });
}

/** What was sent is kept with the signatures that it was sent with. Does nothing where it was never put into the inbox. */
export async function recordSent(
  { store, clock }: Pick<OperatorContext, 'store' | 'clock'>,
  { payload, signatures }: UnverifiedEnvelope,
): Promise<void> {
  const policy = await policyInForce(store);
  await store.transaction().execute(async (transaction) => {
    const [row] = await findDecisions(transaction, decisionId({ payload }));
    if (!row) return;
    const sent = signatures.map(({ keyId = '', signature }) => ({ keyid: keyId, sig: signature }));
    const signed = signedBy(policy, sent.reduce(withSignature, parseDecision(row.document)));
    const signature_count = signed.signatures.length;
    const sent_at = row.sent_at ?? clock.now();
    await saveDecision(transaction, { ...row, document: encodeDecision(signed), signature_count, sent_at });
  });
}

function withAll(before: DecisionRequest, { signatures }: DecisionRequest): DecisionRequest {
  return signatures.reduce(withSignature, before);
}

/** With those signatures alone that approvers of the policy made. */
function signedBy(policy: Policy, request: DecisionRequest): DecisionRequest {
  const approvers = keyedApprovers(policy);
  const signatures = request.signatures.filter((signature) => {
    try {
      const envelope = parseEnvelope(envelopeOf({ payload: request.payload, signatures: [signature] }));
      return verifyApprovals(envelope, approvers, { payloadType: STATEMENT_PAYLOAD_TYPE }).approvals.length > 0;
    } catch (error) {
      if (error instanceof RejectedError) return false; // nobody of the policy made it
      throw error;
    }
  });
  return { ...request, signatures };
}

async function existingDecision(store: OperatorContext['store'], id: string): Promise<DecisionRow> {
  const isId = /^[0-9a-f]{4,64}$/.test(id);
  const [found, other] = isId ? await findDecisions(store, id) : [];
  if (found && !other) return found;
  const code = other ? 'decision-ambiguous' : 'decision-unknown';
  const reason = other ? 'more than one begins so' : 'none waits of that name';
  throw new RejectedError(code, `failed to find decision "${id.slice(0, 64)}": ${reason}`, {
    hint: 'see what waits with `keyturn inbox`',
  });
}
