/** The ledger of a run as `--json` shows it: stable names, everything that the table says and the evidence behind it. */

import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Run } from '../../shared/rpc/generated/messages.ts';

/** Kinds whose time is the payload's own: they run its commands. */
const PAYLOAD_KINDS = ['exec', 'entrypoint', 'refuses-live', 'dryrun'];

export interface RunTimes {
  readonly orderedAt: string;
  readonly settledAt: string;
  /** From the order to the last signature, in milliseconds. */
  readonly durationMs: number;
  /** The same without the checks that run the payload's commands. */
  readonly ownMs: number;
}

export function runTimes({ summary, head }: VerifiedLedger, { createdAtMs }: Pick<Run, 'createdAtMs'>): RunTimes {
  const durationMs = Math.max(0, Date.parse(head.at) - createdAtMs);
  const checks = summary.gates.flatMap((gate) => gate.checks).filter(({ kind }) => PAYLOAD_KINDS.includes(kind));
  const payloadMs = checks.reduce((sum, check) => sum + check.durationMs, 0);
  return {
    orderedAt: new Date(createdAtMs).toISOString(),
    settledAt: head.at,
    durationMs,
    ownMs: Math.max(0, durationMs - payloadMs),
  };
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
  };
}
