import { createHash, hash } from 'node:crypto';

/** A SHA-256 digest as 64 lower-case hexadecimal digits. */
export type Sha256 = string;

const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** SHA-256 of `content` (a string is taken as UTF-8). */
export function sha256(content: Uint8Array | string): Sha256 {
  return hash('sha256', content, 'hex');
}

/** SHA-256 over several parts, without joining them in memory. */
export function sha256OfParts(parts: Iterable<Uint8Array | string>): Sha256 {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
}

export function isSha256(text: unknown): text is Sha256 {
  return typeof text === 'string' && SHA256_PATTERN.test(text);
}

/** The first eight digits, for people. Never compare with it. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 8);
}
