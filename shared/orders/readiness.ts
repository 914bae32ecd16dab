/**
 * The checklist that must be green before an enable order can be put together, and again before a host follows one. Every
 * line is computed from the ledger that the host signed; none can be ticked (P6).
 *
 * 1. A condition is met by evidence, or by a sub-gap that the policy accepts and that has not run out; then the line says so.
 * 2. A gate that the policy demands and the plan leaves out is a line that is not met.
 */
import type { CheckRow, GateRow, SubGapRow } from '../ledger/derive.ts';
import type { VerifiedLedger } from '../ledger/ledger-bundle.ts';
import type { Status } from '../ledger/status.ts';

export interface ReadinessRow {
  /** A check of the plan, a gate, or one of `phase`, `live-entrypoint` and `log`. */
  readonly id: string;
  /** The gate that it belongs to; empty for what is about the whole run. */
  readonly gate: string;
  readonly status: Status;
  readonly isMet: boolean;
  /** `<run>#<seq>` of the ledger entry that shows it; undefined where nothing does. */
  readonly evidenceId: string | undefined;
  /** Why it is not met, or by which exception it is. */
  readonly reason: string | undefined;
}

export interface Readiness {
  readonly rows: readonly ReadinessRow[];
  readonly isReady: boolean;
}

/** `nowMs`: whether an accepted sub-gap has run out is a question of when one asks. */
export function readinessOf(ledger: VerifiedLedger, nowMs: number): Readiness {
  const { summary } = ledger;
  const ofChecks = summary.gates.flatMap((gate) => gateRows(gate, { subGaps: summary.subGaps, nowMs }));
  const rows = [phaseRow(ledger), ...ofChecks, liveRow(ledger), logRow(ledger)];
  return { rows, isReady: rows.every(({ isMet }) => isMet) };
}

/** What is not met, a line each, as a refusal says it. */
export function whatIsMissing({ rows }: Readiness): string[] {
  return rows
    .filter(({ isMet }) => !isMet)
    .map(
      ({ id, gate, status, reason }) =>
        `${gate === '' ? id : `${gate} ${id}`} is ${status}${reason === undefined ? '' : `: ${reason}`}`,
    );
}

interface Judging {
  readonly subGaps: readonly SubGapRow[];
  readonly nowMs: number;
}

function gateRows({ gate, status, checks }: GateRow, judging: Judging): ReadinessRow[] {
  if (checks.length > 0) return checks.map((check) => checkRow(check, judging));
  const reason = 'the policy demands this gate and the plan has no check for it';
  return [{ id: gate, gate, status, isMet: false, evidenceId: undefined, reason }]; // 2
}

function checkRow(check: CheckRow, { subGaps, nowMs }: Judging): ReadinessRow {
  const { id, gate, status, evidenceId } = check;
  const row = { id, gate, status, evidenceId };
  if (status === 'PASS') return { ...row, isMet: true, reason: undefined };
  if (status !== 'PARTIAL') return { ...row, isMet: false, reason: check.reason ?? firstUnmet(check) };
  const gap = subGaps.find((candidate) => candidate.check === id && candidate.gate === gate);
  if (!gap?.accepted) return { ...row, isMet: false, reason: `sub-gap: ${gap?.statement ?? 'nothing was proven'}` };
  const isOver = gap.expiresAt === undefined || !(nowMs < Date.parse(gap.expiresAt)); // 1
  const until = gap.expiresAt ?? 'nobody said when';
  const reason = isOver
    ? `the accepted sub-gap ran out at ${until}`
    : `sub-gap of ${gap.owner}, accepted until ${until}`;
  return { ...row, isMet: !isOver, reason };
}

function firstUnmet({ expectations }: CheckRow): string | undefined {
  const unmet = expectations.find(({ met }) => !met);
  return unmet && `${unmet.what}: expected ${unmet.expected}, got ${unmet.actual}`;
}

/** Proven, and neither failed nor rolled back since. */
function phaseRow({ summary, entries }: VerifiedLedger): ReadinessRow {
  const last = entries.findLast(({ entry }) => entry.body.type === 'phase-entered');
  const isMet = summary.phase === 'proven';
  return {
    id: 'phase',
    gate: '',
    status: isMet ? 'PASS' : 'FAIL',
    isMet,
    evidenceId: last && `${last.entry.run}#${last.entry.seq}`,
    reason: isMet ? undefined : `the run is ${summary.phase}`,
  };
}

/** Without one there is nothing to enable. */
function liveRow({ plan, entries }: VerifiedLedger): ReadinessRow {
  const isMet = liveEntrypoints({ plan }).length > 0;
  const [first] = entries;
  return {
    id: 'live-entrypoint',
    gate: '',
    status: isMet ? 'PASS' : 'FAIL',
    isMet,
    // The admission names the plan by its digest.
    evidenceId: first && `${first.entry.run}#${first.entry.seq}`,
    reason: isMet ? undefined : 'the signed plan has no entrypoint with `live: true`',
  };
}

/** P9: an order that cannot be in a log cannot be followed. */
function logRow({ policy, entries }: VerifiedLedger): ReadinessRow {
  const isMet = policy.log !== undefined;
  const [first] = entries;
  return {
    id: 'log',
    gate: '',
    status: isMet ? 'PASS' : 'FAIL',
    isMet,
    evidenceId: first && `${first.entry.run}#${first.entry.seq}`,
    reason: isMet ? undefined : 'the policy that the run was admitted under names no log',
  };
}

/** Names of the entrypoints that an order may open, sorted. */
export function liveEntrypoints({ plan }: Pick<VerifiedLedger, 'plan'>): string[] {
  return Object.entries(plan.entrypoints)
    .filter(([, { live }]) => live)
    .map(([name]) => name)
    .sort();
}
