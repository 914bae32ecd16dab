/**
 * From a decision that waits to one that is signed.
 *
 * 1. Whoever signs has read what is signed, and what is new in it since he last did.
 * 2. Nobody is asked for a signature that can be seen to count for nothing.
 */
import { RejectedError } from '../../shared/errors.ts';
import { type DecisionRequest, withSignature } from '../../shared/orders/decision-request.ts';
import { POLICY_PATH, type Policy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { ApprovedBefore } from './approved-before.ts';
import { confirm } from './confirm.ts';
import { presenceWarnings } from './decision-policy.ts';
import type { ApprovalRecord } from './decision-text/approval-record.ts';
import { changesSince } from './decision-text/changes-since.ts';
import type { Home } from './home.ts';
import type { CommandOutput } from './output.ts';
import { type ShownDecision, showDecision } from './show-decision.ts';
import { type ApproverSigner, approverOf } from './signing/approver-signer.ts';

export interface Signing {
  readonly home: Home;
  readonly signer: ApproverSigner;
  readonly options: { readonly yes?: boolean };
  readonly output: CommandOutput;
  /** The published one; where it cannot be seen, the one that the evidence carries. */
  readonly policy: Policy | undefined;
}

/** Errors: those of `tellDecision` and `signTold`. */
export async function signShown(request: DecisionRequest, signing: Signing): Promise<DecisionRequest> {
  return signTold(request, tellDecision(request, signing), signing);
}

/** For whoever sits here, before any key is asked for. Errors: those of `showDecision`. */
export function tellDecision(
  request: DecisionRequest,
  { home, output }: Pick<Signing, 'home' | 'output'>,
): ShownDecision {
  const shown = showDecision(request, home);
  for (const line of shown.lines) output.warnLine(line); // 1
  return shown;
}

/** Errors: `approver-not-in-policy`, `not-confirmed`; those of the signer. */
export async function signTold(
  request: DecisionRequest,
  { record, policy: carried }: ShownDecision,
  signing: Signing,
): Promise<DecisionRequest> {
  const { home, signer, options, output } = signing;
  const { keyId } = signer.key;
  const memory = new ApprovedBefore(home);
  for (const line of record ? news(memory, { keyId, record, output }) : []) output.warnLine(line);
  const who = whoSigns(signing, carried);
  if (options.yes !== true) await confirm(`sign ${who}with key ${keyId}?`);
  if (signer.how === 'ssh-agent' && signer.key.text.startsWith('sk-')) output.warnLine('touch the security key');
  const { signature } = await signer.sign(STATEMENT_PAYLOAD_TYPE, request.payload);
  if (record) memory.remember(keyId, record);
  return withSignature(request, { keyid: keyId, sig: signature });
}

/** `as ops-1 of operations `; empty where no policy is seen. */
function whoSigns({ signer, output, policy }: Signing, carried: Policy | undefined): string {
  const seen = policy ?? carried;
  if (!seen) return '';
  try {
    const { holder, team } = approverOf(seen, signer.key); // 2
    for (const line of presenceWarnings(seen, signer.key)) output.warn(line);
    return `as ${holder} of ${team} `;
  } catch (error) {
    if (policy || !(error instanceof RejectedError)) throw error;
    throw new RejectedError(error.code, error.message, {
      cause: error.cause,
      hint: `this is the ${POLICY_PATH} that the evidence was judged by; if a newer one names you, sign it from the inbox`,
    });
  }
}

function news(
  memory: ApprovedBefore,
  { keyId, record, output }: { keyId: string; record: ApprovalRecord; output: CommandOutput },
): string[] {
  try {
    return changesSince(memory.last({ app: record.app, keyId }), record);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    output.warn(error.message);
    return changesSince(undefined, record);
  }
}
