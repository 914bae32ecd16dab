/**
 * What a host answers to an order, signed with the key of its ledgers: admitted, killed, or refused with which code. So
 * whoever ordered knows what the host decided, and not what the control plane says that it did.
 */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { APP_PATTERN } from '../release/release-statement.ts';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../trust/dsse.ts';
import { parsePublicKey, type SigningKey } from '../trust/keys.ts';
import {
  EXECUTION_RECEIPT_PREDICATE,
  encodeStatement,
  parseStatement,
  STATEMENT_PAYLOAD_TYPE,
} from '../trust/statement.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

/** `stopped` follows `killed`: the last process that ran by the gate is gone. */
export const ANSWERS = ['admitted', 'killed', 'refused', 'stopped'] as const;
export type Answer = (typeof ANSWERS)[number];

const predicateSchema = z
  .strictObject({
    host: z.string().min(1).max(253),
    app: z.string().regex(APP_PATTERN),
    answer: z.enum(ANSWERS),
    /** Why it was refused. */
    code: z.string().min(1).max(LIMITS.codeLength).optional(),
    /** Of the gate after the answer. */
    epoch: z.int().min(0),
    /** How many entries the log had when this host last looked; left out where it never did. */
    logSize: z.int().min(1).optional(),
    /** Of an order that was carried to the host: for how long its trust metadata had run out by then. */
    trustAgeMs: z.int().min(0).optional(),
    at: instantSchema,
  })
  .refine(
    ({ answer, code }) => (answer === 'refused') === (code !== undefined),
    'a refusal has a code, and only a refusal',
  );

export interface Receipt {
  readonly host: string;
  readonly app: string;
  /** Digest of the order's envelope, as it reached the host. */
  readonly order: Sha256;
  readonly answer: Answer;
  readonly code: string | undefined;
  readonly epoch: number;
  readonly logSize: number | undefined;
  /** Of a carried order alone. */
  readonly trustAgeMs?: number | undefined;
  readonly atMs: number;
}

/** Errors: zod's when a member has the wrong shape. */
export function signReceipt({ order, code, logSize, trustAgeMs, atMs, ...rest }: Receipt, key: SigningKey): Buffer {
  const optional = {
    ...(code !== undefined && { code }),
    ...(logSize !== undefined && { logSize }),
    ...(trustAgeMs !== undefined && { trustAgeMs }),
  };
  const predicate = predicateSchema.parse({ ...rest, ...optional, at: instantOf(atMs) });
  const statement = encodeStatement({
    subject: [{ name: 'order', digest: { sha256: order } }],
    predicateType: EXECUTION_RECEIPT_PREDICATE,
    predicate: predicate as Readonly<Record<string, Json>>,
  });
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, statement, [key]);
}

/**
 * Reads the answer of that host to that order. Errors: those of `verifyEnvelope` and `parseStatement`;
 * `receipt-malformed`, `receipt-of-another-host`, `receipt-of-another-order`.
 */
export function verifyReceipt(
  envelope: Uint8Array,
  { host, publicKey, order }: { host: string; publicKey: string; order: Uint8Array },
): Receipt {
  const keyring = [parsePublicKey(publicKey, "the host's key")];
  const verified = verifyEnvelope(parseEnvelope(envelope), keyring, {
    payloadType: STATEMENT_PAYLOAD_TYPE,
    threshold: 1,
  });
  const { subject, predicate } = parseStatement(verified, EXECUTION_RECEIPT_PREDICATE);
  const parsed = predicateSchema.safeParse(predicate);
  const [about, ...others] = subject;
  if (!parsed.success || !about || others.length > 0 || about.name !== 'order') {
    throw new RejectedError('receipt-malformed', 'failed to read receipt: its members are not those of a receipt');
  }
  const { at, code, logSize, ...rest } = parsed.data;
  if (rest.host !== host)
    throw new RejectedError('receipt-of-another-host', `failed to read receipt: it is of "${rest.host}"`);
  if (about.digest.sha256 !== sha256(order)) {
    throw new RejectedError('receipt-of-another-order', `failed to read receipt: it answers "${about.digest.sha256}"`);
  }
  return { ...rest, code, logSize, order: about.digest.sha256, atMs: msOf(at) };
}
