/**
 * A kill drill: how long a kill takes to be durable on a host, and to be answered. An application that stands nowhere is killed
 * as any other is, one round after the other, so that no round waits for the one before.
 */
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { DRILL_APP } from '../../shared/orders/drill.ts';
import { encodeKillRecord } from '../../shared/orders/kill-record.ts';
import type { SendOrderResponse, StartKillDrillRequest } from '../../shared/rpc/generated/messages.ts';
import { makeRunId } from '../../shared/time/run-id.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import { allReleases } from '../operator/find-release.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import type { Addressee } from '../store/directives.ts';
import { addDrill, addDrillOffer, answerDrillOffer } from '../store/drills.ts';
import { hostsOfOrder, receiptsOfOrder } from '../store/orders.ts';
import { deliverOrder } from './deliver-order.ts';
import { drilledHosts } from './drilled-hosts.ts';

/** A host that has not answered by then is not waited for in the next round either. */
const ROUND_MS = 10_000;

/** The rounds follow on their own. Errors: those of `drilledHosts`; `drill-rounds`, `drill-app-published`. */
export async function startKillDrill(
  context: OperatorContext,
  { hosts, rounds }: StartKillDrillRequest,
): Promise<{ readonly drillId: string; readonly over: Promise<void> }> {
  const { store, clock, random } = context;
  if (rounds < 1 || rounds > LIMITS.drillRoundCount) {
    throw new RejectedError(
      'drill-rounds',
      `failed to start the drill: expected 1 to ${LIMITS.drillRoundCount} rounds`,
    );
  }
  await checkNobodyLives(context);
  const addressees = await drilledHosts(context, hosts);
  const drillId = makeRunId(clock.now(), random);
  await store.transaction().execute(async (transaction) => {
    await addDrill(transaction, { id: drillId, kind: 'kill', app: DRILL_APP, started_at: clock.now() });
    for (const host of addressees) {
      for (let round = 1; round <= rounds; round += 1) {
        await addDrillOffer(transaction, { drill_id: drillId, ...host, name: 'kill', round });
      }
    }
  });
  return { drillId, over: goRound(context, { drillId, hosts: addressees, rounds }) };
}

async function goRound(
  context: OperatorContext,
  { drillId, hosts, rounds }: { drillId: string; hosts: readonly Addressee[]; rounds: number },
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    const reached = hosts.filter(({ host }) => context.sessions.isConnected(host));
    for (const { host } of hosts.filter((one) => !reached.includes(one))) {
      const away = { not_run: 'the host is not connected' };
      await answerDrillOffer(context.store, { drill_id: drillId, host, name: 'kill', round }, away);
    }
    if (reached.length > 0) await playRound(context, { drillId, hosts: reached, round });
    context.news.publish(drillId);
  }
}

async function playRound(
  context: OperatorContext,
  { drillId, hosts, round }: { drillId: string; hosts: readonly Addressee[]; round: number },
): Promise<void> {
  const { store, clock } = context;
  const reason = `kill drill ${drillId}, round ${round}`;
  const names = hosts.map(({ host }) => host);
  const killing = { from: 'session', app: DRILL_APP, hosts: names, reason, by: DRILL_APP, atMs: clock.now() } as const;
  const document = encodeKillRecord(killing);
  const kill = { app: DRILL_APP, order: document, reason };
  const order = { kind: 'kill', app: DRILL_APP, document } as const;
  const sent = await deliverOrder(context, order, { hosts, directiveFor: () => ({ kind: 'kill', kill }) });
  await untilAnswered(context, sent);
  const delivered = await hostsOfOrder(store, sent.order);
  const receipts = await receiptsOfOrder(store, sent.order);
  for (const { host, delivered_at } of delivered) {
    const killed = receipts.find((receipt) => receipt.host === host && receipt.answer === 'killed');
    await answerDrillOffer(
      store,
      { drill_id: drillId, host, name: 'kill', round },
      {
        ...{ order_sha256: sent.order, document, offered_at: sent.orderedAtMs, durable_at: delivered_at },
        ...(killed && { answer: killed.answer, receipt: killed.envelope, answered_at: killed.received_at }),
      },
    );
  }
}

/** Resolves when each host has answered and is known to have it durably, or after `ROUND_MS`. */
async function untilAnswered(context: OperatorContext, { order, hosts }: SendOrderResponse): Promise<void> {
  const { store, clock, news } = context;
  const wakeup = new Wakeup();
  const late = new AbortController();
  const timer = clock.setTimer(ROUND_MS, () => late.abort());
  const unsubscribe = news.subscribe(order, () => wakeup.wake());
  try {
    for (; !late.signal.aborted; await wakeup.sleep(late.signal)) {
      const answered = (await receiptsOfOrder(store, order)).filter(({ answer }) => answer === 'killed').length;
      const delivered = (await hostsOfOrder(store, order)).filter((row) => row.delivered_at !== null).length;
      if (answered >= hosts.length && delivered >= hosts.length) return;
    }
  } finally {
    unsubscribe();
    timer.cancel();
  }
}

/** Whoever names an application like this would have it killed. Errors: `drill-app-published`. */
async function checkNobodyLives({ store }: OperatorContext): Promise<void> {
  if ((await allReleases(store)).every(({ app }) => app !== DRILL_APP)) return;
  throw new RejectedError('drill-app-published', `failed to start the drill: a release of "${DRILL_APP}" is published`);
}
