/**
 * `keyturn.carried/v1`: an enable order as one file, for a host without a network, with all that the host would otherwise ask
 * for: the trust metadata, the policy, the proof that the order is in the log. Nothing of it is trusted: the host judges it
 * as it judges what comes over the wire.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { APP_PATTERN } from '../release/names.ts';
import { base64Member, withBase64 } from './base64-member.ts';
import { carriedTrustSchema } from './carried-trust.ts';

/** One for each level of a tree of any size. */
const PATH_LENGTH = 64;
const HASH_BYTES = 32;

const path = z.array(base64Member(HASH_BYTES)).max(PATH_LENGTH);

const schema = z.strictObject({
  schema: z.literal('keyturn.carried/v1'),
  kind: z.literal('enable'),
  /** Whom it is carried to; the evidence is that host's. */
  host: z.string().min(1).max(253),
  app: z.string().regex(APP_PATTERN),
  /** The DSSE envelope, byte for byte as it is in the log. */
  envelope: base64Member(LIMITS.envelopeBytes),
  run: z.string().min(1).max(64),
  head: z.string().regex(/^[0-9a-f]{64}$/),
  epoch: z.int().min(0),
  evidenceIndex: z.int().min(0),
  evidencePath: path,
  logProof: base64Member(LIMITS.noteBytes),
  logConsistency: path,
  /** No list of releases: the order names one that stands on the host. */
  trust: carriedTrustSchema.omit({ releases: true }),
  policy: base64Member(LIMITS.policyBytes),
});
export type CarriedOrder = Omit<z.infer<typeof schema>, 'schema' | 'kind'>;

/** Errors: `carried-malformed`, `carried-too-large`. */
export function encodeCarriedOrder(order: CarriedOrder): Buffer {
  const bytes = encodeCanonical(withBase64({ schema: 'keyturn.carried/v1', kind: 'enable', ...order }));
  parseCarriedOrder(bytes); // nothing is carried that nobody can read
  return bytes;
}

/** Errors: `carried-too-large`, `not-canonical-json`, `carried-malformed`. */
export function parseCarriedOrder(bytes: Uint8Array): CarriedOrder {
  if (bytes.length > LIMITS.carriedOrderBytes) {
    throw new RejectedError(
      'carried-too-large',
      `failed to read carried order: ${bytes.length} bytes, expected at most ${LIMITS.carriedOrderBytes}`,
    );
  }
  const parsed = schema.safeParse(decodeCanonical(bytes, 'carried order'));
  if (!parsed.success) {
    throw new RejectedError('carried-malformed', `failed to read carried order: ${z.prettifyError(parsed.error)}`);
  }
  const { schema: _schema, kind: _kind, ...order } = parsed.data;
  return order;
}
