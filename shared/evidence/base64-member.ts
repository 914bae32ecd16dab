/** Bytes within a JSON document: standard base64 in its one spelling, so that a document has one spelling as well. */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import { decodeBase64 } from '../trust/base64.ts';

/** A member that holds at most so many bytes. */
export function base64Member(maxBytes: number) {
  return z
    .string()
    .max(4 * Math.ceil(maxBytes / 3))
    .transform((text, context): Buffer => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined && bytes.length <= maxBytes && bytes.toString('base64') === text) return bytes;
      context.addIssue({ code: 'custom', message: `expected base64 of at most ${maxBytes} bytes` });
      return z.NEVER;
    });
}

/** `value` as JSON, with all bytes in it as base64. */
export function withBase64(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(withBase64);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withBase64(member)]));
}
