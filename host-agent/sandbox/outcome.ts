import type { Sha256 } from '../../shared/digest.ts';

/** A bound that a run met. `processes` never ends a run by itself: a further fork fails, and what then happens is its own. */
export type SandboxLimit = 'wall' | 'cpu' | 'memory' | 'processes' | 'file-size' | 'output';

/** How a process ended. `limit` only where the bound itself ended it. */
export type ProcessEnd =
  | { readonly by: 'exit'; readonly code: number }
  /** Also an exit with 128 + n: bubblewrap reports a death by signal n so, and the two cannot be told apart. */
  | { readonly by: 'signal'; readonly signal: string }
  | { readonly by: 'limit'; readonly limit: SandboxLimit }
  | { readonly by: 'aborted' }
  /** Nothing of the plan has run. */
  | { readonly by: 'not-started'; readonly reason: string };

/** One stream: its beginning and end as text, and what it was in full. Not redacted. */
export interface CapturedOutput {
  /** UTF-8 with replacement characters. If cut, head and tail stand around one cut mark (`shared/redaction.ts`). */
  readonly text: string;
  readonly totalBytes: number;
  readonly isTruncated: boolean;
  /** Over every byte written, also those left out. */
  readonly sha256: Sha256;
}

/** How memory and process counts were bounded. `rlimit` bounds each process by itself, not their sum. */
export type LimitMechanism = 'cgroup-v2' | 'cgroup-v1' | 'rlimit';

/** What stood between the process and the host; goes into evidence. */
export type SandboxDescription =
  | {
      readonly kind: 'bubblewrap';
      readonly version: string;
      readonly limits: LimitMechanism;
      readonly uid: number;
      /** Whether the system call filter of `syscall-filter.ts` exists for this machine's architecture. */
      readonly syscalls: 'filtered' | 'unfiltered';
    }
  | { readonly kind: 'none'; readonly limits: LimitMechanism; readonly uid: number };

export interface ProcessOutcome {
  readonly ended: ProcessEnd;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  /** Without line ends, in order, at most `FD3_LINE_COUNT` of at most `FD3_LINE_BYTES`; empty unless collected. */
  readonly fd3Lines: readonly string[];
  readonly durationMs: number;
  /** Every bound met, also one that a descendant met and the process survived. */
  readonly limitsHit: readonly SandboxLimit[];
  readonly sandbox: SandboxDescription;
}
