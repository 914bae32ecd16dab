/**
 * What a host answers to orders, and says of live processes: believed as far as the host has signed it, and kept as it came.
 *
 * An answer is kept together with what it answers, so that a kill on the host itself is known here too, and stands in the log.
 */
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { verifyLiveRun } from '../../shared/orders/live-run.ts';
import { verifyReceipt } from '../../shared/orders/receipt.ts';
import type { LiveReport, OrderReceipt } from '../../shared/rpc/generated/messages.ts';
import type { AdmittedHost } from '../authority/caller-admission.ts';
import { answerDrillOffer, answeredOffer } from '../store/drills.ts';
import { saveLiveReport } from '../store/live-runs.ts';
import { addReceipt, saveGate } from '../store/orders.ts';
import type { Store } from '../store/schema.ts';
import type { StoredReport } from './store-report.ts';

/** Errors: those of `verifyReceipt`; `order-too-large`. */
export async function storeReceipt(
  store: Store,
  from: AdmittedHost,
  { receipt: { order, receipt }, now }: { receipt: OrderReceipt; now: number },
): Promise<StoredReport> {
  if (order.length > LIMITS.envelopeBytes) {
    throw new RejectedError('order-too-large', `failed to store receipt: its order has ${order.length} bytes`);
  }
  const { host, incarnation } = from;
  const said = verifyReceipt(receipt, { host, publicKey: from.ledgerPublicKey, order });
  const digest = sha256(order);
  const drilled = await answeredOffer(store, from, digest);
  const told = { answer: said.answer, receipt, answered_at: now };
  // What is answered to a drill is no news of the order.
  if (drilled) await answerDrillOffer(store, drilled, { ...told, code: said.code ?? null });
  else
    await addReceipt(store, { order_sha256: digest, host, answer: said.answer, envelope: receipt, received_at: now });
  const { app, epoch, logSize = 0 } = said;
  await saveGate(store, {
    host,
    incarnation,
    app,
    epoch,
    log_size: logSize,
    document: order,
    receipt,
    received_at: now,
  });
  const isAlarm = drilled !== undefined && said.answer === 'admitted';
  return { runId: drilled?.drill_id ?? digest, isSettled: false, receipt: { order, receipt }, isAlarm };
}

/** Errors: those of `verifyLiveRun`; `live-run-misnamed`. */
export async function storeLiveReport(
  store: Store,
  from: AdmittedHost,
  { liveId, envelope }: LiveReport,
): Promise<StoredReport> {
  const said = verifyLiveRun(envelope, { host: from.host, publicKey: from.ledgerPublicKey });
  if (said.live !== liveId) {
    throw new RejectedError('live-run-misnamed', `failed to store report: it is of live run "${said.live}"`);
  }
  const { app, entrypoint, startedAtMs, ended } = said;
  const row = { id: liveId, app, entrypoint, created_at: startedAtMs, is_over: ended ? 1 : 0, envelope };
  await saveLiveReport(store, from, row);
  return { runId: liveId, isSettled: false };
}
