import type { FailureCapsule } from '../../shared/ledger/evidence.ts';
import { endedText, type ProcessSeen } from '../../shared/ledger/kinds/process-seen.ts';
import { LIMITS } from '../../shared/limits.ts';
import { describeEnvironment, type SandboxSpec } from '../sandbox/sandbox.ts';
import { cutToJsonBytes, jsonBytes } from './cut-text.ts';

/** Room for the headings of the two streams. */
const HEADING_BYTES = 64;

/** What is worth knowing of a process when its check does not pass. The streams are redacted already. */
export function failureCapsule(
  seen: ProcessSeen,
  { spec, ...streams }: { spec: SandboxSpec; stdout: string; stderr: string },
): FailureCapsule {
  return {
    argv: seen.argv,
    ended: endedText(seen),
    lastOutput: lastOutput(streams),
    outputBytes: seen.outputBytes,
    limitsHit: seen.limitsHit,
    environmentDigest: describeEnvironment(spec, seen.sandbox.kind),
    sandbox: seen.sandbox.detail,
  };
}

/** The ends of both streams; what one leaves free the other may take. */
function lastOutput({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const most = LIMITS.evidenceOutputBytes - HEADING_BYTES;
  const half = Math.floor(most / 2);
  const errors = cutToJsonBytes(stderr, Math.max(half, most - jsonBytes(stdout)));
  const output = cutToJsonBytes(stdout, most - jsonBytes(errors));
  return [output && `standard output:\n${output}`, errors && `standard error:\n${errors}`].filter(Boolean).join('\n');
}
