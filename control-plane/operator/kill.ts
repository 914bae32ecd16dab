import { RejectedError } from '../../shared/errors.ts';
import { readKillOrder } from '../../shared/orders/kill-order.ts';
import { encodeKillRecord } from '../../shared/orders/kill-record.ts';
import type { KillRequest, SendOrderResponse } from '../../shared/rpc/generated/messages.ts';
import type { OperatorIdentity } from '../../shared/rpc/peer-identity.ts';
import { deliverOrder } from '../governance/deliver-order.ts';
import { policyInForce } from '../governance/policy-in-force.ts';
import { admittedHost, listHosts } from '../store/hosts.ts';
import type { OperatorContext } from './operator-context.ts';

/**
 * Durable for every host when this returns. Stopping is easy: an operator's word is enough, and so is the signature of
 * any approver, whoever brings it. Errors: `role-not-sufficient`, `kill-malformed`, those of `readKillOrder` and `admittedHost`.
 */
export async function kill(
  context: OperatorContext,
  request: KillRequest,
  caller: OperatorIdentity,
): Promise<SendOrderResponse> {
  const { app, reason, hosts, document } = await wantedBy(context, request, caller);
  const named = hosts.length > 0 ? await namedHosts(context, hosts) : await allHosts(context);
  const directive = { app, order: document, reason };
  return deliverOrder(
    context,
    { kind: 'kill', app, document },
    { hosts: named, directiveFor: () => ({ kind: 'kill', kill: directive }) },
  );
}

interface Wanted {
  readonly app: string;
  readonly reason: string;
  readonly hosts: readonly string[];
  readonly document: Buffer;
}

async function wantedBy(
  { store, clock }: OperatorContext,
  { app, hosts, reason, envelope }: KillRequest,
  { name, role }: OperatorIdentity,
): Promise<Wanted> {
  if (envelope.length > 0) {
    const { order } = readKillOrder(envelope, await policyInForce(store));
    return { app: order.app, reason: order.reason, hosts: order.hosts ?? [], document: envelope };
  }
  if (role !== 'operator') {
    throw new RejectedError('role-not-sufficient', `failed to kill "${app}": "${name}" is ${role}, expected operator`, {
      hint: 'or bring an order that an approver signed: keyturn kill APP --key FILE',
    });
  }
  const document = encodeKillRecord({ from: 'session', app, hosts, reason, by: name, atMs: clock.now() });
  return { app, reason, hosts, document };
}

async function namedHosts({ store }: OperatorContext, names: readonly string[]) {
  const hosts = [];
  for (const host of [...new Set(names)]) {
    hosts.push({ host, incarnation: (await admittedHost(store, host)).incarnation });
  }
  return hosts;
}

/** All that have joined and were not revoked, whether something of the application is there or not. */
async function allHosts({ store }: OperatorContext) {
  const hosts = await listHosts(store);
  return hosts
    .filter(({ revoked_at, ledger_public_key }) => revoked_at === null && ledger_public_key !== null)
    .map(({ name, incarnation }) => ({ host: name, incarnation }));
}
