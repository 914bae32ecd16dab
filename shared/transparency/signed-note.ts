/**
 * C2SP signed notes (signed-note.md): a text, a blank line, and signature lines. So a checkpoint of our log is read by the
 * tools that the field has.
 *
 * A verifier passes over signatures of keys that it does not know, and refuses a note in which a key that it does know
 * did not sign this text.
 */
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeBase64 } from '../trust/base64.ts';
import { isSignedBy, type SigningKey } from '../trust/keys.ts';
import { KEY_ID_BYTES, keyIdOf, type NoteKey } from '../trust/verifier-key.ts';

export interface NoteSigner {
  readonly name: string;
  readonly key: SigningKey;
}

export interface UnverifiedNote {
  /** With its final line break. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly keyId: Buffer; readonly signature: Buffer }[];
}

/** Em dash, as the format has it. */
const SIGNATURE_LINE = /^\u2014 ([^\s+]+) (\S+)$/u;
/** Every control character but the line break. */
const CONTROL = /[\0-\x09\x0b-\x1f\x7f]/;

/** Signs `text`, which ends with a line break. Throws `TypeError` on a text or a name that no note can have. */
export function signNote(text: string, signers: readonly NoteSigner[]): Buffer {
  if (!text.endsWith('\n') || CONTROL.test(text)) throw new TypeError('expected lines of text');
  if (signers.length === 0) throw new RangeError('a note needs at least one signature');
  const lines = signers.map(({ name, key }) => {
    const signature = Buffer.concat([keyIdOf({ name, key }), key.sign(Buffer.from(text))]);
    return `\u2014 ${name} ${signature.toString('base64')}\n`;
  });
  return Buffer.from(`${text}\n${lines.join('')}`);
}

/** Errors: `note-malformed`, `too-many-signatures`. */
export function parseNote(bytes: Uint8Array): UnverifiedNote {
  if (bytes.length > LIMITS.noteBytes) throw malformed(`expected at most ${LIMITS.noteBytes} bytes`);
  const whole = decodeText(bytes);
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) throw malformed('it has no signatures');
  if (!whole.endsWith('\n')) throw malformed('its last line does not end');
  const lines = whole.slice(end + 2, -1).split('\n');
  if (lines.length > LIMITS.signatureCount) {
    throw new RejectedError('too-many-signatures', `failed to parse note: ${lines.length} signatures`);
  }
  return { text: whole.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

/**
 * The text of a note that `key` signed. Errors: those of `parseNote`; `note-unsigned` when the key did not sign,
 * `note-signature-invalid` when what is said to be its signature is none.
 */
export function verifyNote(bytes: Uint8Array, key: NoteKey): string {
  const { text, signatures } = parseNote(bytes);
  const wanted = keyIdOf(key);
  const own = signatures.filter(({ name, keyId }) => name === key.name && keyId.equals(wanted));
  if (own.length === 0)
    throw new RejectedError('note-unsigned', `failed to verify note: "${key.name}" did not sign it`);
  if (!own.every(({ signature }) => isSignedBy(key.key, Buffer.from(text), signature))) {
    throw new RejectedError('note-signature-invalid', `failed to verify note: the signature of "${key.name}" is none`);
  }
  return text;
}

function parseSignature(line: string): UnverifiedNote['signatures'][number] {
  const [, name, encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw malformed(`a signature line reads ${JSON.stringify(line)}`);
  }
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

function decodeText(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (CONTROL.test(text)) throw malformed('it holds a control character');
    return text;
  } catch (cause) {
    if (cause instanceof RejectedError) throw cause;
    throw new RejectedError('note-malformed', 'failed to parse note: it is no UTF-8', { cause });
  }
}

function malformed(reason: string): RejectedError {
  return new RejectedError('note-malformed', `failed to parse note: ${reason}`);
}
