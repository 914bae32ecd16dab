/** A run's ledger as a person reads it in a terminal. Pure: strings out of a derived summary, nothing is printed here. */
import type { CheckRow, GateRow, LedgerSummary, SubGapRow } from '../../shared/ledger/derive.ts';
import { GATE_TITLES } from '../../shared/ledger/planned-checks.ts';
import type { Status, Verdict } from '../../shared/ledger/status.ts';
import { visibleLine, visibleLines } from '../../shared/visible-text.ts';
import {
  type Cell,
  clipped,
  ERASE_LINE,
  NO_TERMINAL,
  type Terminal,
  type Tone,
  tableLines,
  toned,
} from './terminal.ts';

const STATUS_TONES: Readonly<Record<Status, Tone>> = {
  PASS: 'good',
  PARTIAL: 'fair',
  NOT_RUN: 'quiet',
  UNKNOWN: 'fair',
  BLOCKED: 'bad',
  FAIL: 'bad',
};

const VERDICTS: Readonly<Record<Verdict, { words: string; tone: Tone }>> = {
  A: { words: 'every gate passed', tone: 'good' },
  B: { words: 'passed, with sub-gaps that the policy accepts', tone: 'fair' },
  C: { words: 'failed', tone: 'bad' },
  D: { words: 'blocked or unknown', tone: 'bad' },
};

const DETAIL_WIDTH = 100;
const GATE_WIDTH = 24;

/** What a verdict means. */
export function verdictWords(verdict: Verdict): string {
  return VERDICTS[verdict].words;
}

/** Gates with their open checks, findings, sub-gaps, and the verdict as the last line. */
export function ledgerTable(summary: LedgerSummary, terminal: Terminal): string {
  const head = [`run ${visibleLine(summary.run)} on ${visibleLine(summary.host)}, phase ${summary.phase}`, ''];
  const table = tableLines(terminal, [headerCells(), ...summary.gates.flatMap(gateRows)]);
  return `${[...head, ...table, ...findingLines(summary), ...subGapLines(summary, terminal), ...rulingLines(summary), '', verdictLine(summary, terminal)].join('\n')}\n`;
}

function rulingLines({ rulings }: LedgerSummary): string[] {
  if (rulings.length === 0) return [];
  const lines = rulings.map(({ check, decision, stopGate, by, reason }) =>
    visibleLine(`  ${stopGate ?? check}: ${decision}, ruled by ${by.join(', ')}: ${reason}`),
  );
  return ['', 'rulings', ...lines];
}

/** Everything that one check left; a check that the plan does not have is undefined. */
export function checkDetails(summary: LedgerSummary, checkId: string, terminal: Terminal): string | undefined {
  const row = summary.gates.flatMap((gate) => gate.checks).find((check) => check.id === checkId);
  if (!row) return undefined;
  const lines = [
    `${row.id} (${row.kind}) in ${gateName(row.gate)}: ${toned(terminal, STATUS_TONES[row.status], row.status)}`,
    `evidence ${row.evidenceId === undefined ? 'none' : visibleLine(row.evidenceId)}, took ${duration(row.durationMs)}`,
    ...expectationLines(row, terminal),
    ...(row.reason === undefined ? [] : ['', `reason: ${visibleLine(row.reason)}`]),
    ...(row.capsule ? ['', ...capsuleLines(row.capsule)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The line of a check that has just ended; on a TTY it takes the place of the check's running line. */
export function finishedLine(row: CheckRow, terminal: Terminal): string {
  const [line] = tableLines(terminal, [
    liveCells(row, { text: row.status, tone: STATUS_TONES[row.status] }, detailOf(row)),
  ]);
  return `${terminal.isTty ? ERASE_LINE : ''}${line}\n`;
}

/** The line of a check that runs: only on a TTY, without a line break, to be taken over by `finishedLine`. */
export function runningLine(check: Pick<CheckRow, 'gate' | 'id'>, terminal: Terminal): string {
  if (!terminal.isTty) return '';
  const [line = ''] = tableLines(NO_TERMINAL, [liveCells(check, { text: 'running' }, '')]);
  return `${ERASE_LINE}${toned(terminal, 'quiet', clipped(line, terminal.columns - 1))}`;
}

function liveCells({ gate, id }: Pick<CheckRow, 'gate' | 'id'>, status: Cell, detail: string): Cell[] {
  return [
    { text: gate.padEnd(4) },
    { text: visibleLine(id).padEnd(GATE_WIDTH) },
    { ...status, text: status.text.padEnd(8) },
    { text: detail, tone: 'quiet' },
  ];
}

function headerCells(): Cell[] {
  return ['gate', 'title', 'status', 'time', 'detail'].map((text) => ({ text, tone: 'quiet' }));
}

function gateRows(gate: GateRow): Cell[][] {
  const passed = gate.checks.filter((check) => check.status === 'PASS').length;
  const total = gate.checks.reduce((sum, check) => sum + check.durationMs, 0);
  const detail =
    gate.checks.length === 0 ? 'required by policy, not in the plan' : `${passed} of ${gate.checks.length} checks pass`;
  const row: Cell[] = [
    { text: gate.gate, tone: 'strong' },
    { text: titleOf(gate.gate) },
    { text: gate.status, tone: STATUS_TONES[gate.status] },
    { text: duration(total) },
    { text: detail },
  ];
  return [row, ...gate.checks.filter((check) => check.status !== 'PASS').map(openRow)];
}

function openRow(check: CheckRow): Cell[] {
  return [
    { text: '' },
    { text: `  ${visibleLine(check.id)}` },
    { text: check.status, tone: STATUS_TONES[check.status] },
    { text: check.evidenceId === undefined ? '-' : duration(check.durationMs) },
    { text: detailOf(check) },
  ];
}

/** What keeps a check from a pass, else what it is. */
function detailOf(check: CheckRow): string {
  if (check.status === 'PASS') return duration(check.durationMs);
  const unmet = check.expectations.find((expectation) => !expectation.met);
  const text = unmet
    ? `${unmet.what}: expected ${unmet.expected}, saw ${unmet.actual}`
    : (check.reason ?? withoutReason(check));
  return clipped(visibleLine(text), DETAIL_WIDTH);
}

function withoutReason(check: CheckRow): string {
  return check.evidenceId === undefined
    ? 'no evidence in the ledger'
    : 'what it saw is not what this kind of check sees';
}

function findingLines({ findings }: LedgerSummary): string[] {
  if (findings.length === 0) return [];
  const lines = findings.map(
    ({ code, statement, check }, index) =>
      `  N-${index + 1} ${visibleLine(code)} (${visibleLine(check)}): ${visibleLine(statement)}`,
  );
  return ['', 'findings', ...lines];
}

function subGapLines({ subGaps }: LedgerSummary, terminal: Terminal): string[] {
  if (subGaps.length === 0) return [];
  return ['', 'sub-gaps', ...subGaps.flatMap((gap) => gapLines(gap, terminal))];
}

function gapLines(gap: SubGapRow, terminal: Terminal): string[] {
  const accepted = gap.accepted
    ? toned(terminal, 'fair', `accepted until ${gap.expiresAt}`)
    : toned(terminal, 'bad', 'not accepted by the policy');
  return [
    `  ${visibleLine(gap.id)}: ${accepted}`,
    `    ${visibleLine(gap.statement)}`,
    `    owner ${visibleLine(gap.owner)}, route ${visibleLine(gap.route)}`,
  ];
}

function verdictLine({ verdict, phase }: LedgerSummary, terminal: Terminal): string {
  const { words, tone } = VERDICTS[verdict];
  if (phase === 'held') return `verdict ${toned(terminal, 'fair', `${verdict} so far: it waits for people to rule`)}`;
  return `verdict ${toned(terminal, tone, `${verdict}: ${words}`)}`;
}

function expectationLines(row: CheckRow, terminal: Terminal): string[] {
  const rows = row.expectations.map(({ what, expected, actual, met }): Cell[] => [
    { text: met ? '  met' : '  not met', tone: met ? 'good' : 'bad' },
    { text: visibleLine(what) },
    { text: `expected ${visibleLine(expected)}, saw ${visibleLine(actual)}` },
  ]);
  return rows.length === 0 ? [] : ['', 'expectations', ...tableLines(terminal, rows)];
}

/** What a command that failed left behind, its last output at the end. */
export function capsuleLines(capsule: NonNullable<CheckRow['capsule']>): string[] {
  const limits = capsule.limitsHit.length === 0 ? 'none' : capsule.limitsHit.map(visibleLine).join(', ');
  return [
    `command: ${visibleLine(JSON.stringify(capsule.argv))}`,
    `ended: ${visibleLine(capsule.ended)}`,
    `limits hit: ${limits}`,
    `sandbox: ${visibleLine(capsule.sandbox)}, environment ${capsule.environmentDigest}`,
    `last output (of ${capsule.outputBytes} bytes):`,
    ...visibleLines(capsule.lastOutput).map((line) => `  | ${line}`.trimEnd()),
  ];
}

function gateName(gate: string): string {
  return [gate, titleOf(gate)].filter((word) => word !== '').join(' ');
}

function titleOf(gate: string): string {
  return (Object.hasOwn(GATE_TITLES, gate) ? GATE_TITLES[gate] : undefined) ?? '';
}

/** `41 ms`, `1.3 s`, `2 min 5 s`. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
