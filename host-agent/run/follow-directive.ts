/**
 * What a directive leads to. It only points: whether it is followed is decided here, from what is signed (P2).
 *
 * 1. A directive is handled in the transaction that makes its consequence durable, a run or a refusal.
 * 2. What is merely in the way (no connection) leaves it unhandled; it is tried again for as long as that takes: nothing
 *    has begun on this host, and those behind it come over the same connection.
 * 3. A directive that this agent does not understand is refused, never skipped.
 */
import { canonicalText } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import { isReportFile, reportKind } from '../../shared/ledger/kinds/report.ts';
import { installPath, plannedChecks } from '../../shared/ledger/planned-checks.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Deploy, Directive, RecordReport, Rollback, Ruling } from '../../shared/rpc/generated/messages.ts';
import { releaseSigners } from '../../shared/trust/release-signers.ts';
import type { DirectiveLog, StoredDirective } from '../journal/directives.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { JournalOutbox } from '../journal/outbox.ts';
import { type AdmissionMeans, type AdmittedRelease, admitRelease } from './admit-release.ts';
import { admittedRun, isResting, step } from './machine.ts';
import { saveReleasers } from './releasers.ts';
import type { RunStore } from './run-store.ts';

export interface SettleMeans {
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
  readonly encodeOutcome: (outcome: { directiveSeq: number; refusalCode: string }) => Uint8Array;
}

export interface DirectiveMeans extends AdmissionMeans, SettleMeans {
  readonly database: JournalDatabase;
  readonly store: RunStore;
  readonly agentVersion: string;
  /** Follows what people decided about a run; returns the run if it goes on. Errors: `TransientError`, and the journal's. */
  readonly followRuling: (ruling: Ruling, stored: StoredDirective) => Promise<string | undefined>;
  /** Whether the gate of that application is open: what stands under it is not removed. */
  readonly isGateOpen: (app: string) => boolean;
  readonly onRefused: (directive: StoredDirective, error: RejectedError) => void;
}

const RUN_ID_PATTERN = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/**
 * Follows one stored directive; returns the run that now has something to do, if any. Errors: `TransientError` when it
 * must be tried again; a refusal is no error, it is recorded and reported.
 */
export async function followDirective(stored: StoredDirective, means: DirectiveMeans): Promise<string | undefined> {
  try {
    return await dispatch(directiveCodec.decode(stored.bytes), { stored, means });
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code === 'journal-corrupt') throw error;
    means.database.transaction(() => settle(stored, { means, refusalCode: error.code }))();
    means.outbox.announce();
    means.onRefused(stored, error);
    return undefined;
  }
}

interface Following {
  readonly stored: StoredDirective;
  readonly means: DirectiveMeans;
}

async function dispatch(directive: Directive, following: Following): Promise<string | undefined> {
  switch (directive.kind) {
    case 'deploy':
      return followDeploy(directive.deploy, following);
    case 'rollback':
      return followRollback(directive.rollback, following);
    case 'recordReport':
      return followRecordReport(directive.recordReport, following);
    case 'ruling':
      return following.means.followRuling(directive.ruling, following.stored);
    default:
      throw new RejectedError('directive-unknown', 'failed to follow a directive: this agent does not know its kind');
  }
}

async function followDeploy(deploy: Deploy, { stored, means }: Following): Promise<string> {
  checkRunId(deploy.runId, means.store);
  const admitted = await admitRelease({ target: deploy.targetPath, statementDigest: deploy.statementSha256 }, means);
  means.store.create(
    deploy.runId,
    {
      directive: stored.seq,
      state: admittedRun(plannedChecks(admitted.release)),
      materials: admitted.materials,
      body: admittedBody(admitted, means.agentVersion),
    },
    () => {
      saveReleasers(means.store.facts(deploy.runId), releaseSigners(means.trusted(), admitted.release.statement.app));
      settle(stored, { means, refusalCode: undefined });
    },
  );
  return deploy.runId;
}

async function followRollback({ runId }: Rollback, { stored, means }: Following): Promise<string> {
  const state = restingRun(runId, means.store);
  if (state.phase === 'rolledBack') {
    throw new RejectedError('run-rolled-back', `failed to roll back run "${runId}": it is rolled back already`);
  }
  if (means.store.isPruned(runId)) {
    throw new RejectedError(
      'run-pruned',
      `failed to roll back run "${runId}": nothing of it stands on this host, and its ledger is no longer kept here`,
    );
  }
  if (state.phase === 'failed' && !state.isPromoted) {
    throw new RejectedError(
      'nothing-to-remove',
      `failed to roll back run "${runId}": nothing of it stands on this host`,
    );
  }
  const { app } = parseReleaseStatement(means.store.materials(runId).statement);
  if (means.isGateOpen(app)) {
    throw new RejectedError('gate-open', `failed to roll back run "${runId}": the execution gate of "${app}" is open`, {
      hint: `keyturn kill ${app} first`,
    });
  }
  means.store.commit(runId, { state: step(state, { type: 'rollback-ordered' }), bodies: [] }, () =>
    settle(stored, { means, refusalCode: undefined }),
  );
  return runId;
}

/** The control plane's receipt becomes evidence of G8: what it says was published, under the host's signature. */
async function followRecordReport(report: RecordReport, { stored, means }: Following): Promise<undefined> {
  const state = restingRun(report.runId, means.store);
  if (state.isReported) {
    throw new RejectedError(
      'report-recorded-already',
      `failed to record the report of run "${report.runId}": it has one`,
    );
  }
  const body = reportBody(report, means.now());
  means.store.commit(report.runId, { state: step(state, { type: 'report-recorded' }), bodies: [body] }, () =>
    settle(stored, { means, refusalCode: undefined }),
  );
  return undefined;
}

/** To be called inside the transaction of the directive's consequence. */
export function settle(
  stored: StoredDirective,
  { means, refusalCode }: { means: SettleMeans; refusalCode: RejectionCode | undefined },
): void {
  means.directives.markHandled(stored.seq);
  means.outbox.append(means.encodeOutcome({ directiveSeq: stored.seq, refusalCode: refusalCode ?? '' }));
}

function restingRun(run: string, store: RunStore): ReturnType<RunStore['state']> {
  if (!store.has(run)) throw new RejectedError('run-unknown', `failed to find run "${run}" on this host`);
  const state = store.state(run);
  if (isResting(state)) return state;
  throw new RejectedError('run-under-way', `failed to change run "${run}": it is still ${state.phase}`);
}

function checkRunId(run: string, store: RunStore): void {
  if (!RUN_ID_PATTERN.test(run))
    throw new RejectedError('run-id-malformed', `failed to begin run "${run}": expected ${RUN_ID_PATTERN}`);
  if (store.has(run))
    throw new RejectedError('run-id-repeated', `failed to begin run "${run}": this host has a run of that id`);
}

function admittedBody({ release, materials, trust }: AdmittedRelease, agentVersion: string): LedgerEntryBody {
  const { statement, statementDigest } = release;
  return {
    type: 'run-admitted',
    app: statement.app,
    version: statement.version,
    commit: statement.commit,
    statementDigest,
    treeDigest: statement.treeDigest,
    manifestDigest: statement.manifest.sha256,
    planDigest: statement.plan.sha256,
    buildRecordDigest: statement.buildRecord.sha256,
    policyDigest: sha256(materials.policy),
    trust: [...trust],
    installPath: installPath(release),
    agentVersion,
  };
}

function reportBody(report: RecordReport, now: Date): LedgerEntryBody {
  const documents = report.documents.map(({ name, sha256: digest }) => ({ name, sha256: digest }));
  const sinks = report.sinks.map(({ kind, location, accepted }) => ({ kind, location, ok: accepted }));
  const receipt = reportKind.observation.safeParse({ documents, sinks });
  if (!receipt.success || Buffer.byteLength(canonicalText(receipt.data)) > LIMITS.ledgerEntryBytes / 2) {
    const misnamed = documents.find(({ name }) => !isReportFile(name))?.name.slice(0, 255);
    const why = misnamed === undefined ? 'it is no receipt that a ledger can hold' : `no report has a "${misnamed}"`;
    throw new RejectedError('report-malformed', `failed to record the report of run "${report.runId}": ${why}`);
  }
  return {
    type: 'check-recorded',
    evidence: {
      check: 'g8.report',
      gate: 'G8',
      kind: 'report',
      startedAt: now.toISOString(),
      durationMs: 0,
      result: { did: 'observe', observation: receipt.data },
    },
  };
}
