/** The last line of `npm run demo -- --json`, read from the ledger alone. */
export interface LedgerDocument {
  readonly verdict: string;
  readonly durationMs: number;
  readonly ownMs: number;
  readonly gates: readonly {
    readonly gate: string;
    readonly status: string;
    readonly checks: readonly LedgerCheck[];
  }[];
}

interface LedgerCheck {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly observation?: {
    readonly tests?: { readonly ran: number; readonly passed: number };
    readonly files?: number;
  };
}

export interface DemoResult {
  /** Null when the release never got to a host. */
  readonly verdict: string | null;
  readonly gates: readonly { readonly gate: string; readonly status: string }[];
  /** Of the check that ran the most tests on the host; null when none did. */
  readonly tests: { readonly ran: number; readonly passed: number } | null;
  readonly files: number;
  /** Null when no neighbour was read: the plan preserves none, or the run ended before. */
  readonly anchorsUnchanged: boolean | null;
  /** Null when the run ended before the host had looked. */
  readonly executionEnabled: boolean | null;
  readonly durationMs: number;
  readonly ownMs: number;
  readonly report: string | null;
  readonly enabled: Governed['enabled'] | null;
  readonly liveRows: number | null;
  readonly kill: Governed['kill'] | null;
  readonly replayRefused: string | null;
}

/** What came after the verdict; each is null where the demo did not get to it. */
export interface Governed {
  readonly enabled: { readonly admitted: boolean; readonly threshold: string };
  /** Rows that one live run has added. */
  readonly liveRows: number;
  readonly kill: { readonly orderedToDurableMs: number | null; readonly orderedToGoneMs: number | null };
  /** The code by which the host refused the same order after the kill. */
  readonly replayRefused: string | null;
}

export function resultOf(
  { verdict, gates, durationMs, ownMs }: LedgerDocument,
  { report, governed }: { report: string; governed: Governed | undefined },
): DemoResult {
  const checks = gates.flatMap((gate) => gate.checks);
  const suites = checks.flatMap(({ kind, observation }) =>
    kind === 'exec' && observation?.tests ? [observation.tests] : [],
  );
  const [largest] = suites.toSorted((a, b) => b.ran - a.ran);
  const isClosed = proven(checks.filter(({ id }) => id === 'g7.execution-closed'));
  return {
    verdict,
    gates: gates.map(({ gate, status }) => ({ gate, status })),
    tests: largest ? { ran: largest.ran, passed: largest.passed } : null,
    files: checks.find(({ id }) => id === 'g4.received')?.observation?.files ?? 0,
    anchorsUnchanged: proven(checks.filter(({ kind }) => kind === 'anchor')),
    executionEnabled: isClosed === null ? null : !isClosed,
    durationMs,
    ownMs,
    report,
    ...(governed ?? notGoverned),
  };
}

const notGoverned = { enabled: null, liveRows: null, kill: null, replayRefused: null };

/** What is said when there is no ledger: no host has looked at anything. */
export function resultOfRefusal(durationMs: number): DemoResult {
  return {
    verdict: null,
    gates: [],
    tests: null,
    files: 0,
    anchorsUnchanged: null,
    executionEnabled: null,
    durationMs,
    ownMs: durationMs,
    report: null,
    ...notGoverned,
  };
}

/** Whether all of them passed; null where that was not looked at: silence is no evidence, for or against (P6). */
function proven(checks: readonly LedgerCheck[]): boolean | null {
  if (checks.some(({ status }) => status === 'FAIL')) return false;
  return checks.length > 0 && checks.every(({ status }) => status === 'PASS') ? true : null;
}
