/**
 * An enable order that somebody carried to this host, judged as one that came over the wire.
 *
 * 1. Trust metadata is adopted by the same client and the same rules: what is older than what this host knows is refused.
 * 2. Trust metadata that has run out is refused, unless the owner of this host says for how long it may have; that is judged
 *    as of its last valid moment, and the age stands in the signed receipt.
 */
import { RejectedError } from '../../shared/errors.ts';
import { type CarriedOrder, parseCarriedOrder } from '../../shared/evidence/carried-order.ts';
import { carriedRepository } from '../../shared/evidence/verified-trust.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import { POLICY_PATH } from '../../shared/trust/policy.ts';
import { memorySource, type TrustSource } from '../../shared/trust/source.ts';
import { expiryOf, listedDigests } from '../../shared/trust/tuf-metadata.ts';
import { TrustClient } from '../trust/trust-client.ts';
import { followEnable } from './follow-enable.ts';
import type { OrderMeans } from './order-means.ts';

export interface CarriedRequest {
  readonly path: string;
  /** For how long its trust metadata may have run out; not at all where it is left out. */
  readonly maxAgeMs: number | undefined;
}

export interface AppliedOrder {
  readonly app: string;
  /** As the host has signed it, whatever it says. */
  readonly receipt: Buffer;
  /** The envelope that it answers. */
  readonly order: Buffer;
  /** For how long the trust metadata had run out; 0 where it had not. */
  readonly trustAgeMs: number;
  /** Why it was refused. */
  readonly refusal: RejectedError | undefined;
}

/**
 * Errors, without a receipt: those of `parseCarriedOrder`; `order-for-another-host`, `trust-too-old`; `TransientError`; the
 * journal's. A refusal of the order itself is an answer.
 */
export async function applyCarried({ path, maxAgeMs }: CarriedRequest, means: OrderMeans): Promise<AppliedOrder> {
  const carried = parseCarriedOrder(readInputFile(path, 'carried order'));
  if (carried.host !== means.host) {
    throw new RejectedError('order-for-another-host', `refused the order: it was carried for "${carried.host}"`);
  }
  const source = sourceOf(carried);
  const trustAgeMs = checkedAge(carried, { nowMs: means.nowMs(), maxAgeMs });
  const enable = enableOf(carried);
  const stored = { seq: 0, bytes: directiveCodec.encode({ kind: 'enable', enable }) };
  let receipt: Buffer = Buffer.alloc(0);
  let refusal: RejectedError | undefined;
  await followEnable(enable, stored, {
    ...carriedMeans(carried, { means, source, trustAgeMs }),
    ...(trustAgeMs > 0 && maxAgeMs !== undefined && { trustLeewayMs: maxAgeMs }),
    settle: () => undefined, // no directive asked for it
    onRefused: (_stored, error) => {
      refusal = error;
    },
    encodeReceipt: (answered) => {
      receipt = answered.receipt;
      return means.encodeReceipt(answered);
    },
  });
  return { app: carried.app, receipt, order: carried.envelope, trustAgeMs, refusal };
}

/** Errors: those of `checkMetadata`. */
function sourceOf({ trust, policy }: CarriedOrder): TrustSource {
  const files = carriedRepository(trust);
  const listed = listedDigests(trust.targets).get(POLICY_PATH);
  return memorySource(files, new Map([[`${listed}.${POLICY_PATH}`, policy]]));
}

/** The carried timestamp says until when it counts; that it says so truly is seen when it is verified. */
function checkedAge(
  { trust }: CarriedOrder,
  { nowMs, maxAgeMs }: { nowMs: number; maxAgeMs: number | undefined },
): number {
  const ageMs = Math.max(0, nowMs - lastMomentMs(trust.timestamp));
  if (ageMs <= (maxAgeMs ?? 0)) return ageMs;
  const days = Math.ceil(ageMs / DAY_MS);
  throw new RejectedError('trust-too-old', `refused the order: its trust metadata ran out ${daysText(days)} ago`, {
    hint: `carry newer files, or decide that these will do: --max-age ${days}`,
  });
}

const DAY_MS = 86_400_000;

function daysText(days: number): string {
  return days === 1 ? 'within a day' : `${days} days`;
}

/** The last millisecond in which it has not run out. */
function lastMomentMs(timestamp: Uint8Array): number {
  return expiryOf(timestamp).getTime() - 1;
}

/** Reads trust from the file and from nowhere else; what has run out is judged as of its last valid moment. // 1, 2 */
function carriedMeans(
  { trust }: CarriedOrder,
  { means, source, trustAgeMs }: { means: OrderMeans; source: TrustSource; trustAgeMs: number },
): OrderMeans {
  const now = trustAgeMs > 0 ? () => new Date(lastMomentMs(trust.timestamp)) : means.now;
  const trusting = new TrustClient({ db: means.database, source, rules: 'keyturn', now });
  // Whoever carried it here is root; on a host that is out of touch there is nothing to wait for.
  return { ...means, trustAgeMs, now, isCaughtUp: () => true, trust: trusting };
}

function enableOf({ app, envelope, run, head, epoch, ...carried }: CarriedOrder): Enable {
  const { evidenceIndex, evidencePath, logProof, logConsistency } = carried;
  return { app, envelope, runId: run, head, epoch, evidenceIndex, evidencePath, logProof, logConsistency };
}
