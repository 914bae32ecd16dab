/**
 * What a live process is given to show: that the execution gate has let this one run, for so long. A token opens nothing; the
 * gate that it is shown to looks at its own durable state (P3).
 */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../trust/dsse.ts';
import { parsePublicKey, type SigningKey } from '../trust/keys.ts';
import { encodeStatement, parseStatement, RUN_PERMIT_PREDICATE, STATEMENT_PAYLOAD_TYPE } from '../trust/statement.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

const predicateSchema = z.strictObject({
  host: z.string().min(1).max(253),
  app: z.string().min(1).max(64),
  live: z.string().min(1).max(64),
  entrypoint: z.string().min(1).max(64),
  epoch: z.int().min(0),
  expires: instantSchema,
});

export interface PermitToken {
  readonly host: string;
  readonly app: string;
  /** The live run that it was made for. */
  readonly live: string;
  readonly entrypoint: string;
  /** Digest of the order's envelope. */
  readonly order: string;
  readonly epoch: number;
  readonly expiresMs: number;
}

/** One line of text. */
export function signPermitToken({ order, expiresMs, ...rest }: PermitToken, key: SigningKey): string {
  const predicate = predicateSchema.parse({ ...rest, expires: instantOf(expiresMs) });
  const statement = encodeStatement({
    subject: [{ name: 'order', digest: { sha256: order } }],
    predicateType: RUN_PERMIT_PREDICATE,
    predicate: predicate as Readonly<Record<string, Json>>,
  });
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, statement, [key]).toString('base64url');
}

/** Errors: those of `verifyEnvelope` and `parseStatement`; `permit-malformed`. */
export function verifyPermitToken(token: string, publicKey: string): PermitToken {
  const verified = verifyEnvelope(
    parseEnvelope(Buffer.from(token, 'base64url')),
    [parsePublicKey(publicKey, "the host's key")],
    { payloadType: STATEMENT_PAYLOAD_TYPE, threshold: 1 },
  );
  const { subject, predicate } = parseStatement(verified, RUN_PERMIT_PREDICATE);
  const parsed = predicateSchema.safeParse(predicate);
  const [about, ...others] = subject;
  if (!parsed.success || !about || others.length > 0) {
    throw new RejectedError('permit-malformed', 'failed to read permit: its members are not those of a permit');
  }
  const { expires, ...rest } = parsed.data;
  return { ...rest, order: about.digest.sha256, expiresMs: msOf(expires) };
}
