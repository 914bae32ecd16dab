/** The ledger of a run as `--json` shows it: stable names, everything that the table says and the evidence behind it. */
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';

export function ledgerJson({ summary, release, admitted, head }: VerifiedLedger): object {
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
    gates: summary.gates.map(({ gate, status, checks }) => ({
      gate,
      status,
      checks: checks.map(({ id, kind, status: checkStatus, evidenceId, durationMs, expectations, reason }) => ({
        id,
        kind,
        status: checkStatus,
        evidenceId,
        durationMs,
        expectations,
        reason,
      })),
    })),
    findings: summary.findings,
    subGaps: summary.subGaps,
  };
}
