import { RejectedError } from '../../shared/errors.ts';
import type { SendEnableRequest, SendOrderResponse } from '../../shared/rpc/generated/messages.ts';
import { parseEnvelope } from '../../shared/trust/dsse.ts';
import { checkEnable } from '../governance/check-enable.ts';
import { deliverOrder } from '../governance/deliver-order.ts';
import { policyInForce } from '../governance/policy-in-force.ts';
import { admittedHost } from '../store/hosts.ts';
import { recordSent } from './decisions.ts';
import type { OperatorContext } from './operator-context.ts';

/** In the log and durable for every host when this returns. Errors: those of `checkEnable`, `policyInForce` and `admittedHost`. */
export async function sendEnable(
  context: OperatorContext,
  { envelope, leaves }: SendEnableRequest,
): Promise<SendOrderResponse> {
  const { store, clock } = context;
  const policy = await policyInForce(store);
  const { order, tree } = checkEnable(envelope, {
    policy,
    leaves: leaves.map(({ host, runId, head, epoch }) => ({ host, run: runId, head, epoch })),
    nowMs: clock.now(),
  });
  const hosts = [];
  for (const { host } of tree.leaves) {
    const { incarnation } = await admittedHost(store, host);
    hosts.push({ host, incarnation });
  }
  const sent = await deliverOrder(
    context,
    { kind: 'enable', app: order.app, document: envelope },
    {
      hosts,
      directiveFor: (host, inLog) => {
        const proof = tree.proofFor(host);
        if (!proof) throw new RejectedError('evidence-not-in-order', `the order does not cover host "${host}"`);
        const { leaf, index, path } = proof;
        const bound = { runId: leaf.run, head: leaf.head, epoch: leaf.epoch };
        const evidence = { evidenceIndex: index, evidencePath: path.map((node) => Buffer.from(node)) };
        return { kind: 'enable', enable: { app: order.app, envelope, ...bound, ...evidence, ...inLog } };
      },
    },
  );
  await recordSent(context, parseEnvelope(envelope));
  return sent;
}
