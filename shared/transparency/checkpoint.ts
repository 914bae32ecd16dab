/** C2SP checkpoints (tlog-checkpoint.md): what a log says of itself, as a signed note. */
import { RejectedError } from '../errors.ts';
import { decodeBase64 } from '../trust/base64.ts';
import type { NoteKey } from '../trust/verifier-key.ts';
import { HASH_BYTES } from './merkle.ts';
import { type NoteSigner, signNote, verifyNote } from './signed-note.ts';

export interface Checkpoint {
  /** The log's name; the signer's name is the same. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** Signs as the log itself. */
export function signCheckpoint({ size, root }: Omit<Checkpoint, 'origin'>, log: NoteSigner): Buffer {
  return signNote(`${log.name}\n${size}\n${root.toString('base64')}\n`, [log]);
}

/** Reads what the log signed. Errors: those of `verifyNote`, `checkpoint-malformed`, `checkpoint-of-another-log`. */
export function verifyCheckpoint(bytes: Uint8Array, log: NoteKey): Checkpoint {
  const [origin = '', size = '', root = '', ...rest] = verifyNote(bytes, log).split('\n');
  if (origin !== log.name) {
    throw new RejectedError('checkpoint-of-another-log', `failed to read checkpoint: it is of "${origin}"`);
  }
  const hash = decodeBase64(root);
  const isCount = /^(0|[1-9][0-9]{0,15})$/.test(size) && Number.isSafeInteger(Number(size));
  // An extension would be signed and not understood.
  if (!isCount || hash?.length !== HASH_BYTES || hash.toString('base64') !== root || rest.join('\n') !== '') {
    throw new RejectedError('checkpoint-malformed', 'failed to read checkpoint: expected an origin, a size and a root');
  }
  return { origin, size: Number(size), root: hash };
}
