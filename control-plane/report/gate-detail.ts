/** The short words behind a gate's status in the gate ledger. */
import type { CheckRow, GateRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { absenceEvidence, citeStatement, derived, inForm, rowEvidence } from './cite.ts';
import type { OutcomeRow, Part } from './document.ts';
import { highlightOf } from './observed-facts.ts';
import { phraseOf } from './wording.ts';

type Detail = Pick<OutcomeRow, 'detail' | 'evidence'>;

/** What passed, in a few words; of a gate that is not PASS only what keeps it from that. */
export function gateDetail(ledger: VerifiedLedger, gate: GateRow): Detail {
  if (gate.checks.length === 0)
    return { detail: ['required by policy, not in the plan'], evidence: absenceEvidence(ledger) };
  const passed = gate.checks.filter((row) => row.status === 'PASS');
  const open = gate.checks.filter((row) => row.status !== 'PASS');
  const words =
    open.length === 0 ? [...headline(ledger, gate), ...passedWords(ledger, passed)] : openWords(ledger, gate, open);
  return { detail: joined(words), evidence: gate.checks.flatMap((row) => rowEvidence(ledger, row)) };
}

/** What a reader looks for first: the commit at G0, the artifact at G2. */
function headline(ledger: VerifiedLedger, { gate }: GateRow): Part[][] {
  if (gate === 'G0') return [['commit ', inForm(citeStatement(ledger, '/commit'), 'short-digest')]];
  if (gate === 'G2') return [['sha256 ', inForm(citeStatement(ledger, '/archive/sha256'), 'short-digest')]];
  return [];
}

/** Each phrase once, however many checks of that kind a gate has. */
function passedWords(ledger: VerifiedLedger, rows: readonly CheckRow[]): Part[][] {
  const words = new Map<string, Part[]>();
  for (const row of rows) {
    const highlight = highlightOf(ledger, row);
    if (highlight) words.set(row.id, highlight);
    else if (!words.has(phraseOf(row))) words.set(phraseOf(row), [derived('claim', `passed/${row.id}`, phraseOf(row))]);
  }
  return [...words.values()];
}

function openWords(ledger: VerifiedLedger, { gate, checks }: GateRow, open: readonly CheckRow[]): Part[][] {
  const passed = derived('count', `passed/${gate}`, checks.length - open.length);
  const planned = derived('count', `planned/${gate}`, checks.length);
  return [[passed, ' of ', planned, ' checks pass'], ...open.map((row) => openWord(ledger, row))];
}

function openWord({ summary }: VerifiedLedger, row: CheckRow): Part[] {
  const gap = summary.subGaps.find(({ check }) => check === row.id);
  const named = gap ? [' (', derived('sub-gap', `${row.id}/id`, gap.id), ')'] : [];
  return [row.id, ' ', derived('check-status', row.id, row.status), ...named];
}

function joined(words: readonly (readonly Part[])[]): Part[] {
  return words.flatMap((word, index) => (index === 0 ? word : [', ', ...word]));
}
