/**
 * The two questions that an `ssh-agent` is asked, and its answers (draft-ietf-sshm-ssh-agent): which keys it holds, and a
 * signature. Pure: a message is what stands behind its length. Nothing in an answer is trusted.
 */
import { RejectedError } from '../../../shared/errors.ts';
import { SshReader, sshString, sshUint32 } from '../../../shared/trust/ssh-wire.ts';

const TYPE = { failure: 5, requestIdentities: 11, identitiesAnswer: 12, signRequest: 13, signResponse: 14 } as const;
const NO_FLAGS = 0;

export function encodeIdentitiesRequest(): Buffer {
  return Buffer.from([TYPE.requestIdentities]);
}

/** `keyBlob` as the agent named the key. */
export function encodeSignRequest(keyBlob: Uint8Array, signed: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([TYPE.signRequest]), sshString(keyBlob), sshString(signed), sshUint32(NO_FLAGS)]);
}

/** The public keys that the agent holds, as blobs. Errors: `ssh-agent-refused`, `ssh-agent-answer-malformed`. */
export function readIdentities(message: Uint8Array): Buffer[] {
  const reader = answerOf(message, TYPE.identitiesAnswer);
  const count = reader.uint32();
  if (count === undefined) throw malformed('it does not say how many keys there are');
  const blobs: Buffer[] = [];
  while (blobs.length < count) {
    const [blob, comment] = [reader.string(), reader.string()];
    if (blob === undefined || comment === undefined) throw malformed(`it holds fewer keys than the ${count} it counts`);
    blobs.push(blob);
  }
  if (!reader.isAtEnd) throw malformed(`there is more behind its ${count} keys`);
  return blobs;
}

/** The inner part of an SSH signature. Errors: as `readIdentities`. */
export function readSignature(message: Uint8Array): Buffer {
  const reader = answerOf(message, TYPE.signResponse);
  const signature = reader.string();
  if (signature === undefined || !reader.isAtEnd) throw malformed('it is not one signature');
  return signature;
}

function answerOf(message: Uint8Array, expected: number): SshReader {
  const reader = new SshReader(message);
  const type = reader.byte();
  if (type === expected) return reader;
  if (type !== TYPE.failure) throw malformed(`it is of type ${type}, expected ${expected}`);
  throw new RejectedError('ssh-agent-refused', 'failed to sign: the ssh-agent refused', {
    hint: 'it refuses when it is locked (`ssh-add -X` unlocks it), or when nobody confirmed or touched the key in time',
  });
}

function malformed(reason: string): RejectedError {
  return new RejectedError('ssh-agent-answer-malformed', `failed to read what the ssh-agent answered: ${reason}`);
}
