/**
 * The one JSON encoding of what Keyturn itself signs, hashes or stores: object keys sorted by UTF-16 code unit, no
 * white space, integers only, UTF-8.
 *
 * It is not used to check a signature (the received bytes are), only to refuse malleable input: `decodeCanonical`
 * accepts exactly what `encodeCanonical` emits, so duplicate keys, odd spacing and second spellings never get in. Nor do
 * two things that readers of the decoded value fall over: a member `__proto__`, which many of them drop or obey, and
 * nesting so deep that whoever walks it runs out of stack.
 */
import { messageOf, RejectedError } from './errors.ts';
import { LIMITS } from './limits.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Encodes `value`; `undefined` members are left out. Throws on a number that is no safe integer and on nesting over
 * `LIMITS.jsonDepth`.
 */
export function encodeCanonical(value: unknown): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

/** As `encodeCanonical`, as text. */
export function canonicalText(value: unknown): string {
  return textAt(0, value);
}

function textAt(depth: number, value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return integerText(value);
  if (typeof value !== 'object') throw new TypeError(`cannot encode ${typeof value} as JSON`);
  if (depth >= LIMITS.jsonDepth) throw new TypeError(`expected at most ${LIMITS.jsonDepth} levels of JSON`);
  if (Array.isArray(value)) return `[${value.map((element) => textAt(depth + 1, element)).join(',')}]`;
  return objectText(depth, value as Record<string, unknown>);
}

/** Decodes bytes that `encodeCanonical` made. Errors: `RejectedError('not-canonical-json')`. */
export function decodeCanonical(bytes: Uint8Array, what: string): Json {
  const text = decodeUtf8(bytes, what);
  const value = parseJson(text, what);
  if (reencoded(value, what) !== text) {
    throw new RejectedError(
      'not-canonical-json',
      `failed to decode ${what}: its bytes differ from their own re-encoding`,
    );
  }
  if (hasPrototypeMember(value)) {
    throw new RejectedError('not-canonical-json', `failed to decode ${what}: it has a member "__proto__"`);
  }
  return value;
}

/** Whether a schema could lose a member of it: assigning to `__proto__` makes none. For values within the limit of depth. */
export function hasPrototypeMember(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototypeMember);
}

function reencoded(value: Json, what: string): string {
  try {
    return canonicalText(value);
  } catch (cause) {
    throw new RejectedError('not-canonical-json', `failed to decode ${what}: ${messageOf(cause)}`, { cause });
  }
}

function parseJson(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new RejectedError('not-canonical-json', `failed to decode ${what}: it is not JSON`, { cause });
  }
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RejectedError('not-canonical-json', `failed to decode ${what}: it is not UTF-8`, { cause });
  }
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0))
    throw new TypeError(`expected a safe integer, got ${value}`);
  return String(value);
}

function objectText(depth: number, value: Record<string, unknown>): string {
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${textAt(depth + 1, value[key])}`);
  return `{${members.join(',')}}`;
}
