/**
 * JSON that others wrote and signed in their own spelling (DSSE envelopes, TUF metadata): read strictly, though not
 * demanded in canonical form. Refused are non-UTF-8, a member that is named twice (readers disagree on which one
 * counts) and needless escapes.
 */
import { canonicalText, type Json } from '../canonical-json.ts';
import { RejectedError, type RejectionCode } from '../errors.ts';

const ASCII = 0x80;
const JSON_SPACES = [' ', '\t', '\r', '\n'].map((space) => space.charCodeAt(0));

export type JsonObject = { readonly [member: string]: Json | undefined };

/** Decodes bytes that must hold one JSON object. Errors: `RejectedError` with the caller's code. */
export function decodeJsonObject(bytes: Uint8Array, { what, code }: { what: string; code: RejectionCode }): JsonObject {
  const text = attempt(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), what, code);
  const value = attempt(() => JSON.parse(text) as Json, what, code);
  if (!isJsonObject(value)) throw new RejectedError(code, `failed to parse ${what}: it is no object`);
  const canonical = attempt(() => canonicalText(value), what, code);
  if (!isSameButForOrder(canonical, text)) {
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

/**
 * True when both texts have the same characters, each as often, white space left out. Members in another order and
 * indentation pass; a member named twice, an escape or another spelling of a number does not.
 */
function isSameButForOrder(canonical: string, text: string): boolean {
  if (canonical === text) return true;
  const surplus = new Int32Array(ASCII);
  const rarer = new Map<number, number>();
  for (const [part, weight] of [
    [canonical, 1],
    [text, -1],
  ] as const) {
    for (let index = 0; index < part.length; index++) {
      const unit = part.charCodeAt(index);
      if (unit < ASCII) surplus[unit] = (surplus[unit] ?? 0) + weight;
      else rarer.set(unit, (rarer.get(unit) ?? 0) + weight);
    }
  }
  for (const space of JSON_SPACES) surplus[space] = 0;
  return surplus.every((count) => count === 0) && rarer.values().every((count) => count === 0);
}

function attempt<T>(action: () => T, what: string, code: RejectionCode): T {
  try {
    return action();
  } catch (cause) {
    throw new RejectedError(code, `failed to parse ${what}: it is no JSON text`, { cause });
  }
}
