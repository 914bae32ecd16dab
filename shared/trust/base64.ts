const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

/**
 * Decodes base64 in either alphabet, as DSSE asks, with exact padding. Undefined when the text is not what an encoder
 * emits: mixed alphabets, white space, missing padding, set bits after the last byte.
 */
export function decodeBase64(text: string): Buffer | undefined {
  if (STANDARD.test(text)) return exactly(text, Buffer.from(text, 'base64'));
  if (URL_SAFE.test(text))
    return exactly(text.replaceAll('-', '+').replaceAll('_', '/'), Buffer.from(text, 'base64url'));
  return undefined;
}

function exactly(standardText: string, bytes: Buffer): Buffer | undefined {
  return bytes.toString('base64') === standardText ? bytes : undefined;
}
