/**
 * C2SP tlog-proof (tlog-proof.md): that something is in the log, as one text to carry along: the leaf's index, the path
 * to the root, and the checkpoint with that root.
 */
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeBase64 } from '../trust/base64.ts';
import type { NoteKey } from '../trust/verifier-key.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts';
import { leafHash, provesInclusion } from './merkle.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';

export interface LogProof {
  readonly index: number;
  readonly proof: readonly Buffer[];
  /** A signed note. */
  readonly checkpoint: Buffer;
}

export function encodeLogProof({ index, proof, checkpoint }: LogProof): Buffer {
  const lines = [FIRST_LINE, `index ${index}`, ...proof.map((hash) => hash.toString('base64')), '', ''];
  return Buffer.concat([Buffer.from(lines.join('\n')), checkpoint]);
}

/** Errors: `log-proof-malformed`. */
export function parseLogProof(bytes: Uint8Array): LogProof {
  if (bytes.length > LIMITS.noteBytes) throw malformed();
  const whole = Buffer.from(bytes);
  const end = whole.indexOf('\n\n');
  const [first, index, ...hashes] = whole.subarray(0, Math.max(0, end)).toString('latin1').split('\n');
  const [, digits] = /^index (0|[1-9][0-9]{0,15})$/.exec(index ?? '') ?? [];
  if (first !== FIRST_LINE || digits === undefined) throw malformed();
  const proof = hashes.map((line) => decodeBase64(line) ?? Buffer.alloc(0));
  if (proof.some((hash, at) => hash.toString('base64') !== hashes[at])) throw malformed();
  return { index: Number(digits), proof, checkpoint: whole.subarray(end + 2) };
}

/**
 * The checkpoint of `log` under which `leaf` is in it. Errors: those of `parseLogProof` and `verifyCheckpoint`,
 * `not-in-log`.
 */
export function verifyLogProof(bytes: Uint8Array, { leaf, log }: { leaf: Uint8Array; log: NoteKey }): Checkpoint {
  const { index, proof, checkpoint } = parseLogProof(bytes);
  const verified = verifyCheckpoint(checkpoint, log);
  if (!provesInclusion({ leaf: leafHash(leaf), index, size: verified.size, proof, root: verified.root })) {
    throw new RejectedError('not-in-log', `failed to verify log proof: leaf ${index} of "${log.name}" is another`);
  }
  return verified;
}

function malformed(): RejectedError {
  return new RejectedError('log-proof-malformed', `failed to parse log proof: expected "${FIRST_LINE}" and an index`);
}
