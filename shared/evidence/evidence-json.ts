/** Verified evidence for programs: stable names, everything that the lines say. */
import { sha256 } from '../digest.ts';
import { instantOf } from '../orders/instant.ts';
import type { Checkpoint } from '../transparency/checkpoint.ts';
import type { OrderReview } from './record-review.ts';
import type { TrustStanding } from './verified-trust.ts';
import type { VerifiedEvidence } from './verify-evidence.ts';
import type { VerifiedLogExport } from './verify-log-export.ts';

export function evidenceJson(evidence: VerifiedEvidence): object {
  const { release, ledger, trust, hostKey, policies, log, open } = evidence;
  const { summary, head } = ledger;
  return {
    isProven: open.length === 0,
    open,
    release: `${release.app}@${release.version}`,
    commit: release.commit,
    treeDigest: release.treeDigest,
    run: summary.run,
    host: summary.host,
    hostKey,
    phase: summary.phase,
    verdict: summary.verdict,
    head: { size: head.size, digest: head.head, at: head.at },
    gates: summary.gates.map(({ gate, status, checks }) => ({
      gate,
      status,
      checks: checks.map(({ id, kind, status: ofCheck, evidenceId }) => ({ id, kind, status: ofCheck, evidenceId })),
    })),
    subGaps: summary.subGaps,
    trust: trustJson(trust),
    policies: policies.map(({ targetsVersion, sha256: digest }) => ({ targetsVersion, sha256: digest })),
    log: logJson(log),
    ...recordsJson(evidence),
  };
}

export function logExportJson({ trust, log, first, records }: VerifiedLogExport): object {
  const shown = records.map(({ kind, document }, index) => ({ index: first + index, kind, sha256: sha256(document) }));
  return { isProven: true, trust: trustJson(trust), log: logJson(log), records: shown };
}

function recordsJson(evidence: VerifiedEvidence): object {
  const { verdicts, orders, approvals, kills, rulings, receipts } = evidence;
  return {
    verdicts,
    orders: orders.map((review) => ({
      ...orderJson(review),
      rules: review.rules,
      answers: receipts
        .filter(({ receipt }) => receipt.order === review.sha256)
        .map(({ index, receipt }) => ({ index, answer: receipt.answer, code: receipt.code })),
    })),
    approvals: approvals.map(orderJson),
    kills: kills.map(({ order: { app, hosts, issuedAtMs, reason }, ...rest }) => ({
      ...rest,
      app,
      hosts,
      issuedAt: instantOf(issuedAtMs),
      reason,
    })),
    rulings,
    receipts: receipts.map(({ receipt: { atMs, ...receipt }, ...rest }) => ({
      ...rest,
      ...receipt,
      at: instantOf(atMs),
    })),
  };
}

function orderJson({ index, sha256: digest, order, people }: Omit<OrderReview, 'rules'>): object {
  const { issuedAtMs, notBeforeMs, expiresMs, ...rest } = order;
  const times = { issuedAt: instantOf(issuedAtMs), notBefore: instantOf(notBeforeMs), expires: instantOf(expiresMs) };
  return { index, sha256: digest, ...rest, ...times, people };
}

function trustJson({ freshUntil, ...standing }: TrustStanding): object {
  return { ...standing, freshUntil: freshUntil.toISOString() };
}

function logJson({ origin, size, root }: Checkpoint): object {
  return { origin, size, root: root.toString('hex') };
}
