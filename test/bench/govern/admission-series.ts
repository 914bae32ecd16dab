/** One host's judgement of an order, beside Node's bare verification of as many Ed25519 signatures. */
import { createPublicKey, verify } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { admit } from '../../../shared/orders/admit.ts';
import { parseLogProof } from '../../../shared/transparency/log-proof.ts';
import { parseNote } from '../../../shared/transparency/signed-note.ts';
import { parseEnvelope, preAuthEncoding } from '../../../shared/trust/dsse.ts';
import { LOG } from '../../support/enable-world.ts';
import type { Bench } from './bench.ts';
import { type FleetOrder, fleetOrder } from './fleet-order.ts';

/** Milliseconds of one judgement, and of all bare verifications that stand in it. */
export interface AdmissionRound {
  readonly admitMs: number;
  readonly verifyMs: number;
}

export interface Admissions {
  readonly rounds: readonly AdmissionRound[];
  /** The first judgement of this process, before anything of it was compiled. */
  readonly firstMs: number;
}

export function admissions(bench: Bench): Promise<Admissions> {
  return bench.once('admissions', async () => {
    const { readings, callsPerReading, hostCount } = bench.scale;
    const order = fleetOrder(hostCount);
    const verifyAll = bareVerification(order);
    const firstMs = eachMs(1, () => judge(order));
    // Both sides as they are once compiled.
    eachMs(readings * callsPerReading, () => judge(order));
    eachMs(readings * callsPerReading, verifyAll);
    const rounds = Array.from({ length: readings }, () => ({
      admitMs: eachMs(callsPerReading, () => judge(order)),
      verifyMs: eachMs(callsPerReading, verifyAll),
    }));
    return { rounds, firstMs };
  });
}

function judge({ offer, facts, signers }: FleetOrder): void {
  const { approvals } = admit(offer, facts);
  if (approvals.length !== signers.length) throw new Error(`${approvals.length} approvals counted`);
}

/** The signatures of the approvers and of the log over the very bytes that they signed; keys and bytes are at hand. */
function bareVerification({ offer, signers }: FleetOrder): () => void {
  const { payloadType, payload, signatures } = parseEnvelope(offer.envelope);
  const note = parseNote(parseLogProof(offer.logProof).checkpoint);
  const signed = [
    ...signers.map((key, index) => ({
      key: createPublicKey(key.publicKeyPem),
      bytes: preAuthEncoding(payloadType, payload),
      signature: signatures[index]?.signature,
    })),
    {
      key: createPublicKey(LOG.key.publicKeyPem),
      bytes: Buffer.from(note.text),
      signature: note.signatures[0]?.signature,
    },
  ];
  return () => {
    for (const { key, bytes, signature } of signed) {
      if (!signature || !verify(undefined, bytes, key, signature)) throw new Error('a signature does not hold');
    }
  };
}

function eachMs(count: number, work: () => void): number {
  const startedAtMs = performance.now();
  for (let call = 0; call < count; call += 1) work();
  return (performance.now() - startedAtMs) / count;
}
