/**
 * A refusal drill: orders that must be refused, brought to hosts as true ones are.
 *
 * 1. An order is in the log before it is offered, as one that is not would be refused for that alone.
 * 2. Every host is asked about all rows or is told why not; a row that was not run is no refusal (P6).
 * 3. Whoever admits one is told to close again, at once or when the control plane hears of it (P4).
 */
import { sha256 } from '../../shared/digest.ts';
import { DRILL_APP } from '../../shared/orders/drill.ts';
import { encodeKillRecord } from '../../shared/orders/kill-record.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable, StartDrillRequest } from '../../shared/rpc/generated/messages.ts';
import { makeRunId } from '../../shared/time/run-id.ts';
import { signCheckpoint, verifyCheckpoint } from '../../shared/transparency/checkpoint.ts';
import { encodeLogProof, parseLogProof } from '../../shared/transparency/log-proof.ts';
import { generateKey } from '../../shared/trust/keys.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import { type Addressee, appendDirective } from '../store/directives.ts';
import { addDrill, addDrillOffer, answerDrillOffer, drillOrdersFor, openedByDrill } from '../store/drills.ts';
import { addOrder } from '../store/orders.ts';
import { deliverOrder, proofsFor } from './deliver-order.ts';
import { lastAdmitted, presentEpoch, standsWith } from './drill-ground.ts';
import { type DrillGround, type PlannedOffer, plannedOffers } from './drill-offers.ts';
import { drilledHosts } from './drilled-hosts.ts';
import { policyInForce } from './policy-in-force.ts';

/** All rows are durable and on their way when this returns. Errors: those of `drilledHosts` and `policyInForce`. */
export async function startDrill(
  context: OperatorContext,
  { app, hosts }: StartDrillRequest,
): Promise<{ readonly drillId: string }> {
  const { store, clock, sessions, random } = context;
  const addressees = await drilledHosts(context, hosts);
  const drillId = makeRunId(clock.now(), random);
  await addDrill(store, { id: drillId, kind: 'refusal', app, started_at: clock.now() });
  const stranger = generateKey();
  for (const host of addressees) {
    const planned = plannedOffers({ ...(await groundOf(context, app, host)), stranger });
    for (const offer of planned) await offerOne(context, offer, { drillId, app, host });
    sessions.wake(host.host);
  }
  return { drillId };
}

/** Kills whatever a drill has opened and nobody has closed yet. To be called when an answer says so, and at the start. */
export async function closeAgain(context: OperatorContext): Promise<void> {
  for (const opened of await openedByDrill(context.store)) {
    const { app, host, incarnation, name } = opened;
    const reason = `a refusal drill opened the gate: "${name}"`;
    const killing = { from: 'session', app, hosts: [host], reason, by: DRILL_APP, atMs: context.clock.now() } as const;
    const document = encodeKillRecord(killing);
    const sent = await deliverOrder(
      context,
      { kind: 'kill', app, document },
      {
        hosts: [{ host, incarnation }],
        directiveFor: () => ({ kind: 'kill', kill: { app, order: document, reason } }),
      },
    );
    await answerDrillOffer(context.store, opened, { closed_by: sent.order });
    context.news.publish(opened.drill_id);
  }
}

async function groundOf(
  context: OperatorContext,
  app: string,
  host: Addressee,
): Promise<Omit<DrillGround, 'stranger'>> {
  const { store, clock } = context;
  const orders = await drillOrdersFor(store, { app, host: host.host });
  const [first] = orders;
  return {
    prepared: new Map(orders.map((order) => [order.name, order])),
    isStanding: first !== undefined && (await standsWith(store, host, first)),
    epoch: await presentEpoch(store, host, app),
    policy: await policyInForce(store),
    admitted: await lastAdmitted(store, host, app),
    nowMs: clock.now(),
  };
}

async function offerOne(
  context: OperatorContext,
  offer: PlannedOffer,
  { drillId, app, host }: { drillId: string; app: string; host: Addressee },
): Promise<void> {
  const { store, clock, sessions } = context;
  const about = { drill_id: drillId, ...host, name: offer.row, round: 0 };
  if ('notRun' in offer) return addDrillOffer(store, { ...about, not_run: offer.notRun });
  if (!sessions.isConnected(host.host)) return addDrillOffer(store, { ...about, not_run: 'the host is not connected' }); // 2
  const enable = await logged(context, offer, host);
  const document = enable.envelope;
  const digest = sha256(document);
  const now = clock.now();
  await store.transaction().execute(async (transaction) => {
    await addOrder(transaction, { sha256: digest, kind: 'enable', app, document, ordered_at: now });
    const bytes = directiveCodec.encode({ kind: 'enable', enable });
    const directive = { ...host, run_id: digest, kind: 'enable', bytes, created_at: now } as const;
    const seq = await appendDirective(transaction, directive);
    const sent = { expected_code: offer.expected, order_sha256: digest, document, seq, offered_at: now };
    await addDrillOffer(transaction, { ...about, ...sent });
  });
}

/** With the proof that it is in the log; of the row about that, under the same name and by another key. */
async function logged(
  context: OperatorContext,
  offer: Extract<PlannedOffer, { enable: object }>,
  host: Addressee,
): Promise<Enable> {
  const [index = 0] = await context.log.append([{ kind: 'enable', document: offer.enable.envelope }]); // 1
  const inLog = (await proofsFor(context, index, [host]))(host.host);
  if (offer.row !== 'wrong-log') return { ...offer.enable, ...inLog };
  return { ...offer.enable, ...inLog, logProof: byAnotherLog(inLog.logProof, context) };
}

function byAnotherLog(logProof: Buffer, { log }: Pick<OperatorContext, 'log'>): Buffer {
  const parsed = parseLogProof(logProof);
  const checkpoint = signCheckpoint(verifyCheckpoint(parsed.checkpoint, log.key), {
    name: log.key.name,
    key: generateKey(),
  });
  return encodeLogProof({ ...parsed, checkpoint });
}
