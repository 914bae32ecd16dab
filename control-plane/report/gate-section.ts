/** One gate in full: its checks, what each expected and saw, why one has nothing to show, what it leaves behind. */
import type { CheckRow, GateRow, SubGapRow } from '../../shared/ledger/derive.ts';
import type { FindingPlace, FindingRow } from '../../shared/ledger/finding.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { absenceEvidence, citeEntry, derived, findInEntry, rowEvidence, rowSeq } from './cite.ts';
import type { Block, FactRow, OutcomeRow, Part, Section, Statement, TableRow } from './document.ts';
import { statement } from './document.ts';
import { gateName } from './wording.ts';

export function gateSection(ledger: VerifiedLedger, gate: string): Section {
  const row = ledger.summary.gates.find((candidate) => candidate.gate === gate);
  if (!row || row.checks.length === 0) return { title: gateName(gate), blocks: [noChecks(ledger, gate)] };
  return {
    title: gateName(gate),
    blocks: [
      { block: 'outcomes', rows: [gateOutcome(ledger, row)] },
      {
        block: 'table',
        columns: ['Check', 'Kind', 'Status', 'Took'],
        rows: row.checks.map((check) => checkRow(ledger, check)),
      },
      ...row.checks.flatMap((check) => checkBlocks(ledger, check)),
      ...gateFindings(ledger, gate),
      ...subGapBlocks(
        ledger,
        ledger.summary.subGaps.filter((gap) => gap.gate === gate),
      ),
    ],
  };
}

export function gateStatus({ gate, status }: GateRow): Part {
  return derived('gate-status', gate, status);
}

export function checkStatus({ id, status }: CheckRow): Part {
  return derived('check-status', id, status);
}

/** What was found at one gate, by each of its checks that found it. */
function gateFindings({ summary }: VerifiedLedger, gate: string): Block[] {
  const findings = summary.findings.flatMap((finding) =>
    [finding, ...finding.again]
      .filter((place) => place.gate === gate)
      .map((place) => findingStatement('Finding ', finding, [place])),
  );
  return findings.length === 0 ? [] : [{ block: 'list', items: findings }];
}

/** All findings of the run, numbered `N-1`, `N-2`, ...; each rests on every check that found it. */
export function findingsBlock({ summary }: VerifiedLedger): Block {
  const items = summary.findings.map((finding, index) =>
    findingStatement(`N-${index + 1} `, finding, [finding, ...finding.again]),
  );
  return { block: 'list', items };
}

function findingStatement(
  label: string,
  { code, statement: text }: FindingRow,
  places: readonly [FindingPlace, ...FindingPlace[]],
): Statement {
  const of = `${places[0].check}/${places[0].index}`;
  const parts = [label, derived('finding', `${of}/code`, code), ': ', derived('finding', `${of}/statement`, text)];
  return statement(
    parts,
    places.map(({ evidenceId }) => evidenceId),
  );
}

export function subGapBlocks(ledger: VerifiedLedger, gaps: readonly SubGapRow[]): Block[] {
  return gaps.map((gap) => ({ block: 'facts', rows: [...subGapFacts(gap), provenInstead(ledger, gap)] }));
}

function noChecks(ledger: VerifiedLedger, gate: string): Block {
  const parts = ['The plan has no check for ', gateName(gate), '.'];
  return { block: 'list', items: [statement(parts, absenceEvidence(ledger))] };
}

function gateOutcome(ledger: VerifiedLedger, gate: GateRow): OutcomeRow {
  const passed = gate.checks.filter((check) => check.status === 'PASS').length;
  return {
    label: [gateName(gate.gate)],
    outcome: gateStatus(gate),
    detail: [
      derived('count', `passed/${gate.gate}`, passed),
      ' of ',
      derived('count', `planned/${gate.gate}`, gate.checks.length),
      ' checks pass',
    ],
    evidence: gate.checks.flatMap((check) => rowEvidence(ledger, check)),
  };
}

function checkRow(ledger: VerifiedLedger, check: CheckRow): TableRow {
  const seq = rowSeq(check);
  const took = seq === undefined ? ['-'] : [citeEntry(ledger, seq, '/body/evidence/durationMs'), ' ms'];
  return { cells: [[check.id], [check.kind], [checkStatus(check)], took], evidence: rowEvidence(ledger, check) };
}

function checkBlocks(ledger: VerifiedLedger, check: CheckRow): Block[] {
  return [...expectationBlock(ledger, check), ...reasonBlock(ledger, check), ...capsuleBlocks(ledger, check)];
}

function expectationBlock(ledger: VerifiedLedger, check: CheckRow): Block[] {
  if (check.expectations.length === 0) return [];
  const rows = check.expectations.map((expectation, index) => {
    const field = (name: 'what' | 'expected' | 'actual') =>
      derived('expectation', `${check.id}/${index}/${name}`, expectation[name]);
    return {
      label: [`${check.id}: `, field('what')],
      outcome: derived('expectation', `${check.id}/${index}/met`, expectation.met ? 'MET' : 'NOT MET'),
      detail: ['expected ', field('expected'), ', saw ', field('actual')],
      evidence: rowEvidence(ledger, check),
    };
  });
  return [{ block: 'outcomes', rows }];
}

function reasonBlock(ledger: VerifiedLedger, check: CheckRow): Block[] {
  return check.expectations.length > 0
    ? []
    : [{ block: 'list', items: [statement(reasonParts(ledger, check), rowEvidence(ledger, check))] }];
}

/** Why a check is not a pass, where it has no expectation that says so. */
export function reasonParts(ledger: VerifiedLedger, check: CheckRow): Part[] {
  const seq = rowSeq(check);
  if (seq === undefined) return [check.id, ': the ledger holds no evidence of it'];
  const result = '/body/evidence/result';
  const reason = findInEntry(ledger, seq, `${result}/reason`) ?? findInEntry(ledger, seq, `${result}/statement`);
  return reason === undefined
    ? [check.id, ': what it saw is not what this kind of check sees']
    : [check.id, ': ', reason];
}

function capsuleBlocks(ledger: VerifiedLedger, check: CheckRow): Block[] {
  const seq = rowSeq(check);
  if (seq === undefined || check.capsule === undefined) return [];
  const field = (name: string) =>
    statement(citeEntry(ledger, seq, `/body/evidence/capsule/${name}`), rowEvidence(ledger, check));
  const names = ['argv', 'ended', 'limitsHit', 'sandbox', 'environmentDigest', 'outputBytes'];
  return [
    { block: 'facts', rows: names.map((name) => ({ key: name, statement: field(name) })) },
    { block: 'verbatim', statement: field('lastOutput') },
  ];
}

function subGapFacts(gap: SubGapRow): FactRow[] {
  const field = (name: 'id' | 'statement' | 'owner' | 'route', value: string) =>
    statement(derived('sub-gap', `${gap.check}/${name}`, value), [gap.evidenceId]);
  const expiry = derived('sub-gap', `${gap.check}/expiresAt`, gap.expiresAt ?? 'not accepted, so it has none');
  const accepted = derived('sub-gap', `${gap.check}/accepted`, gap.accepted ? 'YES' : 'NO');
  return [
    { key: 'sub_gap', statement: field('id', gap.id) },
    { key: 'statement', statement: field('statement', gap.statement) },
    { key: 'owner', statement: field('owner', gap.owner) },
    { key: 'route', statement: field('route', gap.route) },
    { key: 'accepted_by_policy', statement: statement(accepted, [gap.evidenceId]) },
    { key: 'expires', statement: statement(expiry, [gap.evidenceId]) },
  ];
}

/** What the same gate did prove. */
function provenInstead(ledger: VerifiedLedger, { gate, evidenceId }: SubGapRow): FactRow {
  const rows = ledger.summary.gates.find((row) => row.gate === gate)?.checks ?? [];
  const passed = rows.filter(({ status }) => status === 'PASS');
  const parts = passed.flatMap((row, index): Part[] => [index === 0 ? row.id : `, ${row.id}`, ' ', checkStatus(row)]);
  const evidence = [evidenceId, ...passed.flatMap((row) => rowEvidence(ledger, row))];
  return { key: 'proven_instead', statement: statement(parts.length > 0 ? parts : NOTHING_INSTEAD, evidence) };
}

const NOTHING_INSTEAD = 'nothing: this gate has no check that passed';
