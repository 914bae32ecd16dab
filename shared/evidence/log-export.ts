/**
 * `keyturn.log/v1`: entries of the log with their documents, and the hashes of all others, so that whoever holds the file
 * computes the root of the whole log.
 */
import { z } from 'zod';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { LOG_KINDS } from '../transparency/log-record.ts';
import { HASH_BYTES } from '../transparency/merkle.ts';
import { base64Member } from './base64-member.ts';
import { carriedTrustSchema } from './carried-trust.ts';
import { encodeExport, parseExport } from './export-document.ts';

export const LOG_SCHEMA = 'keyturn.log/v1';

/** Leaf hashes, one behind the other. */
const hashes = base64Member(LIMITS.logExportCount * HASH_BYTES);

const exportSchema = z.strictObject({
  schema: z.literal(LOG_SCHEMA),
  trust: carriedTrustSchema.omit({ releases: true }),
  policy: base64Member(LIMITS.policyBytes),
  checkpoint: base64Member(LIMITS.noteBytes),
  before: hashes,
  records: z
    .array(z.strictObject({ kind: z.enum(LOG_KINDS), document: base64Member(LIMITS.envelopeBytes) }))
    .max(LIMITS.logExportCount),
  after: hashes,
});
export type LogExport = z.infer<typeof exportSchema>;

/** Errors: `evidence-too-large`. */
export function encodeLogExport(document: LogExport): Buffer {
  return encodeExport(document);
}

/** Errors: those of `parseExport`. */
export function parseLogExport(bytes: Uint8Array): LogExport {
  return parseExport(bytes, exportSchema);
}

/** Errors: `evidence-malformed`. */
export function splitHashes(joined: Uint8Array): Buffer[] {
  if (joined.length % HASH_BYTES !== 0)
    throw new RejectedError('evidence-malformed', `failed to read evidence: ${joined.length} bytes are no hashes`);
  return Array.from({ length: joined.length / HASH_BYTES }, (_, index) =>
    Buffer.from(joined.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
  );
}
