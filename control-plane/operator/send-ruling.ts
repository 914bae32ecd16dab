import { readRuling } from '../../shared/orders/ruling.ts';
import type { SendOrderResponse, SendRulingRequest } from '../../shared/rpc/generated/messages.ts';
import { parseEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import { keyedApprovers } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { deliverOrder } from '../governance/deliver-order.ts';
import { policyInForce } from '../governance/policy-in-force.ts';
import { admittedHost } from '../store/hosts.ts';
import { recordSent } from './decisions.ts';
import type { OperatorContext } from './operator-context.ts';
import { existingRun } from './run-message.ts';

/**
 * In the log and durable for its host when this returns; whether enough people signed is the host's to say. Errors: those of
 * `verifyApprovals`, `readRuling`, `existingRun` and `admittedHost`.
 */
export async function sendRuling(
  context: OperatorContext,
  { envelope, runId }: SendRulingRequest,
): Promise<SendOrderResponse> {
  const { store } = context;
  const options = { payloadType: STATEMENT_PAYLOAD_TYPE };
  const parsed = parseEnvelope(envelope);
  readRuling(verifyApprovals(parsed, keyedApprovers(await policyInForce(store)), options));
  const { host, app } = await existingRun(store, runId);
  const { incarnation } = await admittedHost(store, host);
  const sent = await deliverOrder(
    context,
    { kind: 'ruling', app, document: envelope },
    {
      hosts: [{ host, incarnation }],
      directiveFor: (_host, inLog) => ({ kind: 'ruling', ruling: { runId, envelope, ...inLog } }),
    },
  );
  await recordSent(context, parsed);
  return sent;
}
