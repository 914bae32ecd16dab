import { RejectedError } from '../../shared/errors.ts';
import type { LiveUpdate, WatchLiveRequest } from '../../shared/rpc/generated/messages.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import { ledgerKeyOf } from '../store/hosts.ts';
import { findLiveRun } from '../store/live-runs.ts';
import type { OperatorContext } from './operator-context.ts';

/** What the host said last, and whatever it says, until the live run is over. Errors: `live-run-unknown`. */
export async function* watchLive(
  { store, news }: OperatorContext,
  { liveId }: WatchLiveRequest,
  signal: AbortSignal,
): AsyncGenerator<LiveUpdate> {
  const wakeup = new Wakeup();
  const unsubscribe = news.subscribe(liveId, () => wakeup.wake());
  let told: string | undefined;
  try {
    for (; !signal.aborted; await wakeup.sleep(signal)) {
      const run = await findLiveRun(store, liveId);
      if (!run) throw new RejectedError('live-run-unknown', `failed to find live run "${liveId}"`);
      const { host, incarnation, envelope, refusal_code, is_over } = run;
      const text = `${envelope?.toString('base64')} ${refusal_code}`;
      if (text !== told) {
        const key = await ledgerKeyOf(store, host, incarnation);
        const ledgerPublicKey = key?.ledger_public_key ?? '';
        yield { host, envelope: envelope ?? Buffer.alloc(0), refusalCode: refusal_code ?? '', ledgerPublicKey };
        told = text;
      }
      if (is_over === 1) return;
    }
  } finally {
    unsubscribe();
  }
}
