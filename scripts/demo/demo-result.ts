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
  readonly verdict: string;
  readonly gates: readonly { readonly gate: string; readonly status: string }[];
  /** Of the check that ran the most tests on the host; null when none did. */
  readonly tests: { readonly ran: number; readonly passed: number } | null;
  readonly files: number;
  /** Null when the plan preserves no neighbour. */
  readonly anchorsUnchanged: boolean | null;
  readonly executionEnabled: boolean;
  readonly durationMs: number;
  readonly ownMs: number;
  readonly report: string;
}

export function resultOf({ verdict, gates, durationMs, ownMs }: LedgerDocument, report: string): DemoResult {
  const checks = gates.flatMap((gate) => gate.checks);
  const suites = checks.flatMap(({ kind, observation }) =>
    kind === 'exec' && observation?.tests ? [observation.tests] : [],
  );
  const [largest] = suites.toSorted((a, b) => b.ran - a.ran);
  const anchors = checks.filter(({ kind }) => kind === 'anchor');
  return {
    verdict,
    gates: gates.map(({ gate, status }) => ({ gate, status })),
    tests: largest ? { ran: largest.ran, passed: largest.passed } : null,
    files: checks.find(({ id }) => id === 'g4.received')?.observation?.files ?? 0,
    anchorsUnchanged: anchors.length === 0 ? null : anchors.every(({ status }) => status === 'PASS'),
    executionEnabled: checks.find(({ id }) => id === 'g7.execution-closed')?.status !== 'PASS',
    durationMs,
    ownMs,
    report,
  };
}
