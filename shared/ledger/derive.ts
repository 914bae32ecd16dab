/**
 * From a verified ledger to gates, findings, sub-gaps and a verdict: one pure fold, the same on the host, in the
 * control plane and in a stand-alone verifier.
 */
import { canonicalText } from '../canonical-json.ts';
import type { BuildRecord } from '../release/build-record.ts';
import type { AnyCheckKind, Finding, Judged } from './check-kind.ts';
import type { RunPhase, SealedEntry } from './entry.ts';
import type { Evidence, FailureCapsule } from './evidence.ts';
import { type FindingRow, type FoundFinding, onePerFact } from './finding.ts';
import { gatesOf, type PlannedCheck, plannedChecks, removalCheck, type SignedRelease } from './planned-checks.ts';
import { lastWaiver, type RulingRow, rulingsOf } from './rulings.ts';
import {
  checkStatus,
  type Expectation,
  type Judgement,
  type Status,
  type Verdict,
  verdictOf,
  worst,
} from './status.ts';

export interface CheckRow {
  readonly id: string;
  readonly gate: string;
  readonly kind: string;
  readonly status: Status;
  /** `<run>#<seq>` of the ledger entry that holds the evidence; undefined when there is none. */
  readonly evidenceId: string | undefined;
  readonly durationMs: number;
  readonly expectations: readonly Expectation[];
  /** Why there is no observation, where there is none. */
  readonly reason: string | undefined;
  readonly evidence: Evidence | undefined;
  readonly capsule: FailureCapsule | undefined;
}

export interface GateRow {
  readonly gate: string;
  readonly status: Status;
  readonly gapsAccepted: boolean;
  readonly checks: readonly CheckRow[];
}

export interface SubGapRow {
  /** `SUBGAP-<gate>-<check>` in capitals. */
  readonly id: string;
  readonly gate: string;
  readonly check: string;
  readonly statement: string;
  readonly owner: string;
  readonly route: string;
  readonly expiresAt: string | undefined;
  readonly accepted: boolean;
  /** Who signed that they do without, where the policy does not accept it by itself. */
  readonly waivedBy?: readonly string[];
  readonly evidenceId: string;
}

export interface LedgerSummary {
  readonly run: string;
  readonly host: string;
  readonly phase: RunPhase;
  readonly verdict: Verdict;
  readonly gates: readonly GateRow[];
  readonly findings: readonly FindingRow[];
  readonly subGaps: readonly SubGapRow[];
  readonly rulings: readonly RulingRow[];
}

/** Which sub-gaps the policy accepts, and for how long. */
export interface AcceptedGap {
  readonly gate: string;
  readonly checkKind: string;
  readonly owner: string;
  readonly route: string;
  readonly maxAgeDays: number;
}

export interface LedgerMaterial {
  /** Verified by `verifyChain` and `verifyHead`. */
  readonly entries: readonly SealedEntry[];
  readonly release: SignedRelease;
  /** The record whose digest the release statement names. */
  readonly buildRecord: BuildRecord;
  readonly acceptedGaps: readonly AcceptedGap[];
  /** Gates that the policy demands of every release: one that the plan leaves out is NOT_RUN, not absent. */
  readonly requiredGates: readonly string[] | undefined;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
}

export function deriveSummary(material: LedgerMaterial): LedgerSummary {
  const evidence = evidenceByCheck(material.entries);
  const removal = removalCheck(material.release);
  const planned = [...plannedChecks(material.release), ...(evidence.has(removal.id) ? [removal] : [])];
  const judged = planned.map((check) => judgeCheck(check, { material, recorded: evidence.get(check.id) }));
  const subGaps = judged.flatMap(({ row }) => subGapOf(row, material));
  const names = new Set([...gatesOf(planned), ...(material.requiredGates ?? [])]);
  const gates = [...names].map((gate) => gateRow(gate, { rows: judged.map(({ row }) => row), subGaps }));
  const first = material.entries[0]?.entry;
  return {
    run: first?.run ?? '',
    host: first?.host ?? '',
    phase: lastPhase(material.entries),
    verdict: verdictOf(gates),
    gates,
    findings: onePerFact(judged.flatMap(({ findings }) => findings)),
    subGaps,
    rulings: rulingsOf(material.entries),
  };
}

/** The status of one piece of evidence by itself, as the summary will compute it. */
export function statusOfEvidence(
  check: PlannedCheck,
  { evidence, buildRecord, kinds }: { evidence: Evidence } & Pick<LedgerMaterial, 'buildRecord' | 'kinds'>,
): Status {
  const { judgement } = judgedOf(check, { material: { buildRecord, kinds }, recorded: { evidence, id: '' } });
  return checkStatus(judgement);
}

/** What a judge needs besides the evidence. */
type JudgingMaterial = Pick<LedgerMaterial, 'buildRecord' | 'kinds'>;

interface RecordedEvidence {
  readonly evidence: Evidence;
  readonly id: string;
}

/** The first evidence of a check counts: a host cannot ask again until it likes the answer. */
function evidenceByCheck(entries: readonly SealedEntry[]): Map<string, RecordedEvidence> {
  const found = new Map<string, RecordedEvidence>();
  for (const { entry } of entries) {
    if (entry.body.type !== 'check-recorded') continue;
    const { evidence } = entry.body;
    if (!found.has(evidence.check)) found.set(evidence.check, { evidence, id: `${entry.run}#${entry.seq}` });
  }
  return found;
}

interface JudgedCheck {
  readonly row: CheckRow;
  readonly findings: readonly FoundFinding[];
}

function judgeCheck(
  check: PlannedCheck,
  { material, recorded }: { material: JudgingMaterial; recorded: RecordedEvidence | undefined },
): JudgedCheck {
  const judged = judgedOf(check, { material, recorded });
  const evidenceId = recorded?.id;
  const findings = judged.findings.map((finding, index) => ({
    ...finding,
    gate: check.gate,
    check: check.id,
    index,
    evidenceId: evidenceId ?? '',
  }));
  const result = recorded?.evidence.result;
  return {
    findings,
    row: {
      id: check.id,
      gate: check.gate,
      kind: check.kind,
      status: checkStatus(judged.judgement),
      evidenceId,
      durationMs: recorded?.evidence.durationMs ?? 0,
      expectations: judged.judgement?.came === 'to-its-end' ? judged.judgement.expectations : [],
      reason: reasonOf(result),
      evidence: recorded?.evidence,
      capsule: recorded?.evidence.capsule,
    },
  };
}

interface JudgedEvidence {
  readonly judgement: Judgement | undefined;
  readonly findings: readonly Finding[];
}

/** Evidence that names another kind or gate than the plan, or has another shape than the kind's, proves nothing. */
function judgedOf(
  check: PlannedCheck,
  { material, recorded }: { material: JudgingMaterial; recorded: RecordedEvidence | undefined },
): JudgedEvidence {
  if (!recorded) return { judgement: undefined, findings: [] };
  const { evidence } = recorded;
  if (evidence.kind !== check.kind || evidence.gate !== check.gate) return proofOfNothing;
  switch (evidence.result.did) {
    case 'observe':
      return judgeObservation(check, { material, observation: evidence.result.observation });
    case 'leave-a-gap':
      return isSigned(check, material) ? proofOfNothing : { judgement: { came: 'to-a-gap' }, findings: [] };
    case 'block':
      return { judgement: { came: 'to-a-block' }, findings: [] };
    case 'lose':
      return proofOfNothing;
    case 'not-run':
      return { judgement: { came: 'not-run' }, findings: [] };
  }
}

const proofOfNothing: JudgedEvidence = { judgement: { came: 'to-nothing' }, findings: [] };

function judgeObservation(
  check: PlannedCheck,
  { material, observation }: { material: JudgingMaterial; observation: unknown },
): JudgedEvidence {
  const kind = material.kinds.get(check.kind);
  if (!kind) return proofOfNothing;
  if (check.seenBy === 'build' && !isInBuildRecord(check, { material, observation })) return proofOfNothing;
  const params = kind.params.safeParse(check.params);
  const seen = kind.observation.safeParse(observation);
  if (!params.success || !seen.success) return proofOfNothing;
  const judged: Judged = kind.judge(params.data, seen.data);
  return { judgement: { came: 'to-its-end', expectations: judged.expectations }, findings: judged.findings };
}

/** What the host says of G0 to G2 must be what the release engineers signed. */
function isInBuildRecord(
  check: PlannedCheck,
  { material, observation }: { material: JudgingMaterial; observation: unknown },
): boolean {
  const signed = material.buildRecord.checks.find((built) => built.check === check.id);
  if (signed?.gate !== check.gate || signed.kind !== check.kind) return false;
  return canonicalText(signed.observation) === canonicalText(observation);
}

/** What the build machine saw is not a gap on a host: it may not leave out what was signed. */
function isSigned({ id, seenBy }: PlannedCheck, { buildRecord }: JudgingMaterial): boolean {
  return seenBy === 'build' && buildRecord.checks.some(({ check }) => check === id);
}

function gateRow(
  gate: string,
  { rows, subGaps }: { rows: readonly CheckRow[]; subGaps: readonly SubGapRow[] },
): GateRow {
  const checks = rows.filter((row) => row.gate === gate);
  return {
    gate,
    status: worst(checks.map((row) => row.status)),
    gapsAccepted: subGaps.filter((gap) => gap.gate === gate).every((gap) => gap.accepted),
    checks,
  };
}

function subGapOf(row: CheckRow, material: LedgerMaterial): SubGapRow[] {
  const result = row.evidence?.result;
  if (row.status !== 'PARTIAL' || result?.did !== 'leave-a-gap') return [];
  const accepted = material.acceptedGaps.find((gap) => gap.gate === row.gate && gap.checkKind === row.kind);
  const gap = {
    id: `SUBGAP-${row.gate}-${row.id}`.toUpperCase(),
    gate: row.gate,
    check: row.id,
    statement: result.statement,
    owner: accepted?.owner ?? result.owner,
    route: accepted?.route ?? result.route,
    expiresAt: accepted && daysLater(row.evidence?.startedAt ?? '', accepted.maxAgeDays),
    accepted: accepted !== undefined,
    evidenceId: row.evidenceId ?? '',
  };
  const waiver = lastWaiver(row.id, material.entries);
  if (!waiver) return [gap];
  return [{ ...gap, accepted: true, expiresAt: waiver.expiresAt, waivedBy: waiver.by }];
}

function daysLater(instant: string, days: number): string {
  return new Date(Date.parse(instant) + days * 24 * 3600 * 1000).toISOString();
}

function reasonOf(result: Evidence['result'] | undefined): string | undefined {
  if (!result || result.did === 'observe') return undefined;
  return result.did === 'leave-a-gap' ? result.statement : result.reason;
}

function lastPhase(entries: readonly SealedEntry[]): RunPhase {
  let phase: RunPhase = 'admitted';
  for (const { entry } of entries) if (entry.body.type === 'phase-entered') phase = entry.body.to;
  return phase;
}
