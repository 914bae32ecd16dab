/** P9: whatever a host obeys is in the log that the policy names, and that log has only grown since the host last looked. */
import { RejectedError } from '../errors.ts';
import type { Checkpoint } from '../transparency/checkpoint.ts';
import { verifyLogProof } from '../transparency/log-proof.ts';
import { encodeLogRecord, type LogKind } from '../transparency/log-record.ts';
import { provesConsistency } from '../transparency/merkle.ts';
import { logOf, type Policy } from '../trust/policy.ts';

/** What reaches a host of a decision; nothing of it is trusted. */
export interface LoggedEnvelope {
  /** The DSSE envelope, byte for byte as it is in the log. */
  readonly envelope: Uint8Array;
  /** A C2SP log proof of the envelope. */
  readonly logProof: Uint8Array;
  /** From the checkpoint that the host remembers to the one in the proof; empty when it remembers none. */
  readonly consistency: readonly Uint8Array[];
}

export interface SeenLog {
  readonly policy: Policy;
  /** The largest checkpoint of a log that the host has seen. */
  readonly seen: (origin: string) => Checkpoint | undefined;
}

/**
 * The state of the log that the decision is in, to be remembered. Errors: `RejectedError` with `policy-names-no-log`, those of
 * `verifyLogProof`, `log-shrank` or `log-inconsistent`.
 */
export function checkInLog(
  kind: LogKind,
  { envelope, logProof, consistency }: LoggedEnvelope,
  { policy, seen: seenOf }: SeenLog,
): Checkpoint {
  const log = logOf(policy);
  if (!log) throw refused('policy-names-no-log', 'a decision must be in the log that the policy names');
  const checkpoint = verifyLogProof(logProof, { leaf: encodeLogRecord(kind, envelope), log });
  const seen = seenOf(log.name);
  if (!seen) return checkpoint;
  if (checkpoint.size < seen.size) throw refused('log-shrank', `it had ${seen.size} entries, now ${checkpoint.size}`);
  // The same state needs no proof, whatever was carried along.
  if (checkpoint.size === seen.size && checkpoint.root.equals(seen.root)) return checkpoint;
  const grown = {
    oldSize: seen.size,
    oldRoot: seen.root,
    newSize: checkpoint.size,
    newRoot: checkpoint.root,
    proof: consistency,
  };
  if (provesConsistency(grown)) return checkpoint;
  throw refused('log-inconsistent', `its first ${seen.size} entries are not what they were`);
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `refused the log: ${reason}`);
}
