/**
 * JSON that others wrote and signed in their own spelling (DSSE envelopes, TUF metadata): read strictly, though not
 * demanded in canonical form. Refused are non-UTF-8, a member that is named twice (readers disagree on which one
 * counts) and needless escapes.
 */
import { canonicalText, type Json } from '../canonical-json.ts';
import { RejectedError, type RejectionCode } from '../errors.ts';

export type JsonObject = { readonly [member: string]: Json | undefined };

/** Decodes bytes that must hold one JSON object. Errors: `RejectedError` with the caller's code. */
export function decodeJsonObject(bytes: Uint8Array, { what, code }: { what: string; code: RejectionCode }): JsonObject {
  const text = attempt(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), what, code);
  const value = attempt(() => JSON.parse(text) as Json, what, code);
  if (!isJsonObject(value)) throw new RejectedError(code, `failed to parse ${what}: it is no object`);
  const shortest = attempt(() => canonicalText(value), what, code);
  if (significantLength(shortest) !== significantLength(text)) {
    throw new RejectedError(code, `failed to parse ${what}: a member is named twice or spelt in a second way`);
  }
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** Characters that are no JSON white space; the order of members and the indentation drop out of the comparison. */
function significantLength(text: string): number {
  return text.replace(/[ \t\r\n]/g, '').length;
}

function attempt<T>(action: () => T, what: string, code: RejectionCode): T {
  try {
    return action();
  } catch (cause) {
    throw new RejectedError(code, `failed to parse ${what}: it is no JSON text`, { cause });
  }
}
