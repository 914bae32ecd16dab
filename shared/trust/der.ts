/** The few shapes of DER that are written here; what is read is read by OpenSSL. Object identifiers are given as their content in hexadecimal. */

const TAGS = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
};

export function sequence(...members: readonly Buffer[]): Buffer {
  return tagged(TAGS.sequence, ...members);
}

export function setOf(member: Buffer): Buffer {
  return tagged(TAGS.set, member);
}

export function objectIdentifier(hex: string): Buffer {
  return tagged(TAGS.objectIdentifier, Buffer.from(hex, 'hex'));
}

export function octetString(bytes: Uint8Array): Buffer {
  return tagged(TAGS.octetString, bytes);
}

/** Of whole octets. */
export function bitString(bytes: Uint8Array): Buffer {
  return tagged(TAGS.bitString, Buffer.of(0), bytes);
}

export function utf8String(text: string): Buffer {
  return tagged(TAGS.utf8, Buffer.from(text, 'utf8'));
}

/** From 0 up to, not including, 2^15. */
export function integer(value: number): Buffer {
  return tagged(TAGS.integer, value < 0x80 ? Buffer.of(value) : Buffer.of(value >> 8, value & 0xff));
}

/** Tag, length, content; of less than 2^16 bytes. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag, ...lengthOf(bytes)), bytes]);
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
