/** The ledger of a run as `--json` shows it: stable names, everything that the table says and the evidence behind it. */

import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import type { Evidence } from '../../shared/ledger/evidence.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Run } from '../../shared/rpc/generated/messages.ts';

/** Kinds whose time is the payload's own: they run its commands. */
const PAYLOAD_KINDS = ['exec', 'entrypoint', 'refuses-live', 'dryrun'];

export interface RunTimes {
  readonly orderedAt: string;
  readonly settledAt: string;
  /** From the order to the last signature, in milliseconds. */
  readonly durationMs: number;
  /** The same without the time in which a check ran the payload's commands; where two did at once it counts once. */
  readonly ownMs: number;
}

/** Ends with the entry that settled the run: a later rollback is not counted. */
export function runTimes({ summary, entries }: VerifiedLedger, { createdAtMs }: Pick<Run, 'createdAtMs'>): RunTimes {
  const settled = entries.findLast(({ entry: { body } }) => !isOfRollback(body)) ?? entries[0];
  const settledAt = settled?.entry.at ?? new Date(createdAtMs).toISOString();
  const durationMs = Math.max(0, Date.parse(settledAt) - createdAtMs);
  const rows = summary.gates.flatMap((gate) => gate.checks);
  const runs = rows.flatMap(({ kind, evidence }) => (evidence && PAYLOAD_KINDS.includes(kind) ? [evidence] : []));
  const orderedAt = new Date(createdAtMs).toISOString();
  const ownMs = Math.max(0, durationMs - coveredMs([...runs, ...heldSpans(entries)]));
  return { orderedAt, settledAt, durationMs, ownMs };
}

/** From the start of what came to a stop gate until people had ruled: the payload's time, and theirs. */
function heldSpans(entries: VerifiedLedger['entries']): Pick<Evidence, 'startedAt' | 'durationMs'>[] {
  return entries.flatMap(({ entry: { body } }, index) => {
    if (body.type !== 'phase-entered' || body.to !== 'held') return [];
    const startedAt = entries[index - 1]?.entry.at ?? '';
    const ruledAt = entries[index + 1]?.entry.at ?? startedAt;
    return [{ startedAt, durationMs: Math.max(0, Date.parse(ruledAt) - Date.parse(startedAt)) }];
  });
}

/** How long at least one of them was under way. */
function coveredMs(runs: readonly Pick<Evidence, 'startedAt' | 'durationMs'>[]): number {
  const spans = runs.map(({ startedAt, durationMs }) => [Date.parse(startedAt), durationMs] as const);
  let covered = 0;
  let coveredUntil = 0;
  for (const [start, durationMs] of spans.sort(([a], [b]) => a - b)) {
    const end = start + durationMs;
    covered += Math.max(0, end - Math.max(start, coveredUntil));
    coveredUntil = Math.max(coveredUntil, end);
  }
  return covered;
}

function isOfRollback(body: LedgerEntryBody): boolean {
  if (body.type === 'phase-entered') return body.to === 'rolledBack';
  return body.type === 'check-recorded' && body.evidence.gate === 'ROLLBACK';
}

export function ledgerJson(ledger: VerifiedLedger, run: Pick<Run, 'createdAtMs'>): object {
  const { summary, release, admitted, head } = ledger;
  return {
    run: summary.run,
    host: summary.host,
    release: `${release.statement.app}@${release.statement.version}`,
    commit: release.statement.commit,
    treeDigest: release.statement.treeDigest,
    installPath: admitted.installPath,
    phase: summary.phase,
    verdict: summary.verdict,
    head: { size: head.size, digest: head.head },
    ...runTimes(ledger, run),
    gates: summary.gates.map(({ gate, status, checks }) => ({
      gate,
      status,
      checks: checks.map(
        ({ id, kind, status: checkStatus, evidenceId, durationMs, expectations, reason, evidence, capsule }) => ({
          id,
          kind,
          status: checkStatus,
          evidenceId,
          durationMs,
          expectations,
          reason,
          observation: evidence?.result.did === 'observe' ? evidence.result.observation : undefined,
          capsule,
        }),
      ),
    })),
    findings: summary.findings,
    subGaps: summary.subGaps,
    rulings: summary.rulings,
  };
}
