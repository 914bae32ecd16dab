/** Crockford's alphabet: no two characters look alike, and texts sort as the numbers do. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;
const RANDOM_BYTES = 10;

/** A ULID, 26 characters: 48 bits of milliseconds, then 80 random bits. Later ones sort behind earlier ones. */
export function makeRunId(now: number, random: (count: number) => Buffer): string {
  const randomBits = BigInt(`0x${random(RANDOM_BYTES).toString('hex')}`);
  return encoded(BigInt(now), TIME_LENGTH) + encoded(randomBits, (RANDOM_BYTES * 8) / 5);
}

function encoded(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest >>= 5n) text = ALPHABET.charAt(Number(rest & 31n)) + text;
  return text;
}
