/** What is common to the files that are taken along: one JSON document each, canonical, within a limit, of a named schema. */
import type { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { isJsonObject } from '../trust/strict-json.ts';
import { withBase64 } from './base64-member.ts';

/** Errors: `evidence-too-large`. */
export function encodeExport(document: object): Buffer {
  const bytes = encodeCanonical(withBase64(document));
  checkSize(bytes);
  return bytes;
}

/** Errors: `evidence-too-large`, `not-canonical-json`, `evidence-malformed`. */
export function parseExport<S extends z.ZodType>(bytes: Uint8Array, schema: S): z.infer<S> {
  checkSize(bytes);
  const parsed = schema.safeParse(decodeCanonical(bytes, 'evidence'));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
  throw new RejectedError('evidence-malformed', `failed to read evidence: ${faults.join('; ')}`);
}

/** What the document says that it is; undefined where it says nothing. Errors: `evidence-too-large`, `not-canonical-json`. */
export function schemaOf(bytes: Uint8Array): string | undefined {
  checkSize(bytes);
  const document = decodeCanonical(bytes, 'evidence');
  return isJsonObject(document) && typeof document.schema === 'string' ? document.schema : undefined;
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= LIMITS.evidenceBytes) return;
  throw new RejectedError(
    'evidence-too-large',
    `failed to read evidence: expected at most ${LIMITS.evidenceBytes} bytes, got ${bytes.length}`,
  );
}
