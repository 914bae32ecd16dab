/**
 * Follows a run and prints a line for each check as it comes. The lines are judged here from the plan, but the chain is
 * only verified at the end, when the whole ledger is read; the verdict comes from there.
 *
 * The run goes on whether it is watched or not. A control plane that is lost on the way is looked for again for a while,
 * and asked for what was not seen yet.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { sha256 } from '../../shared/digest.ts';
import { TransientError } from '../../shared/errors.ts';
import { deriveSummary } from '../../shared/ledger/derive.ts';
import { parseEntry, type SealedEntry } from '../../shared/ledger/entry.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { parseBuildRecord } from '../../shared/release/build-record.ts';
import { parsePlan } from '../../shared/release/plan.ts';
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import type { Run, RunProgress, RunUpdate } from '../../shared/rpc/generated/messages.ts';
import { parsePolicy } from '../../shared/trust/policy.ts';
import { finishedLine, runningLine } from './ledger-table.ts';
import { type ProgressLine, progressLine } from './progress-line.ts';
import type { Publisher } from './publication.ts';
import { fetchMaterial, type Material } from './run-ledger.ts';
import { ERASE_LINE, type Terminal } from './terminal.ts';

export interface WatchOptions extends Pick<Publisher, 'client' | 'source'> {
  readonly terminal: Terminal;
  readonly write: (text: string) => void;
  /** `ended`: until the report of the ended run is recorded, or the run is held; `rolledBack`: until the removal is proven. */
  readonly until: 'ended' | 'rolledBack';
  /** How long a lost control plane is looked for; a restart takes less than the default. */
  readonly lostMs?: number;
  /** How long an ended run may wait for its report before the watch ends without it. */
  readonly reportMs?: number;
}

const REPORT_WAIT_MS = 60_000;
const LOST_MS = 5_000;
const LOOK_AGAIN_MS = 200;
const RECEIVED_CHECK = 'g4.received';
const ROLLBACK_GATE = 'ROLLBACK';
const END_PHASES = ['proven', 'failed', 'rolledBack'];

/** Errors: those of the call; `TransientError` when the control plane is lost and does not come back. */
export async function watchRun(runId: string, options: WatchOptions): Promise<void> {
  const { lostMs = LOST_MS } = options;
  const watched = new WatchedRun(options);
  for (let lostAt: number | undefined; ; ) {
    const seen = watched.updateCount;
    try {
      await followOnce(runId, watched, options);
      return;
    } catch (error) {
      const wasThere = watched.updateCount > 0;
      if (!(error instanceof TransientError) || !wasThere) throw error;
      // A run that ended without a report is still worth its ledger.
      if (watched.isReportOverdue) return;
      if (lostAt === undefined || watched.updateCount > seen) lostAt = performance.now();
      await pause(LOOK_AGAIN_MS);
      await reachable(options.client, lostAt + lostMs - performance.now());
      if (performance.now() - lostAt > lostMs) throw lost(runId, error);
    } finally {
      watched.takeLineBack();
    }
  }
}

/** Reads one stream of updates until the watch is over. */
async function followOnce(
  runId: string,
  watched: WatchedRun,
  { client, reportMs = REPORT_WAIT_MS }: WatchOptions,
): Promise<void> {
  const stopped = new AbortController();
  let reportTimer: NodeJS.Timeout | undefined;
  try {
    const updates = client.watchRun(
      { runId, fromSeq: watched.nextSeq, untilPhases: ['rolledBack'] },
      { signal: stopped.signal },
    );
    for await (const update of updates) {
      await watched.see(update);
      if (watched.isOver) return;
      if (watched.awaitsReport) {
        reportTimer ??= setTimeout(() => {
          watched.isReportOverdue = true;
          stopped.abort();
        }, reportMs);
      }
    }
  } finally {
    clearTimeout(reportTimer);
    stopped.abort();
  }
}

/** Resolves when the connection stands, has failed, or `withinMs` have passed. */
async function reachable(client: WatchOptions['client'], withinMs: number): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.max(0, withinMs));
  await client.connect(late.signal);
  clearTimeout(timer);
}

function lost(runId: string, cause: TransientError): TransientError {
  return new TransientError(`failed to watch run "${runId}": the control plane was lost: ${cause.message}`, {
    cause: cause.cause,
    hint: `the run goes on; watch it again with \`keyturn watch ${runId}\``,
  });
}

class WatchedRun {
  readonly #options: WatchOptions;
  readonly #entries: SealedEntry[] = [];
  #run: Run | undefined;
  #material: Material | undefined;
  #isReported = false;
  /** Whether the last phase that was seen is `held`. */
  #isHeld = false;
  readonly #received: ProgressLine;
  #isReceived = false;
  /** Whether the cursor stands behind the line of a check that runs. */
  #isLineOpen = false;
  /** The first ledger entry that was not seen yet. */
  nextSeq = 0;
  updateCount = 0;
  isReportOverdue = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#received = progressLine('G4    receive', {
      ...options,
      now: () => performance.now(),
    });
  }

  /** A run that is rolled back has its report long since; a host that is away may take its time. */
  get awaitsReport(): boolean {
    return this.#options.until === 'ended' && this.#run !== undefined && END_PHASES.includes(this.#run.phase);
  }

  get isOver(): boolean {
    if (this.#run && this.#run.refusalCode !== '') return true;
    if (this.#isHeld && this.#run?.phase === 'held') return true; // it waits for people, who may take days
    // The stream ends by itself at the removal, behind the entries that prove it.
    return this.awaitsReport && this.#isReported;
  }

  /** Whatever is written next begins in a line of its own. */
  takeLineBack(): void {
    this.#received.end();
    if (this.#isLineOpen) this.#options.write(ERASE_LINE);
    this.#isLineOpen = false;
  }

  async see(update: RunUpdate): Promise<void> {
    this.updateCount += 1;
    if (update.news === 'run') this.#run = update.run;
    if (update.news === 'progress') this.#seeProgress(update.progress);
    if (update.news === 'entry') {
      await this.#seeEntry(parseEntry(update.entry.entry));
      this.nextSeq = update.entry.seq + 1;
    }
  }

  #seeProgress(progress: RunProgress): void {
    if (progress.totalBytes > 0) {
      // What is told late must not begin a second line.
      if (!this.#isReceived) this.#received.update(progress);
      return;
    }
    this.#received.end();
    if (progress.checkId !== '') this.#showRunning(progress.checkId);
  }

  async #seeEntry(sealed: SealedEntry): Promise<void> {
    const { body } = sealed.entry;
    if (body.type === 'run-admitted' && this.#run) {
      this.#material = await fetchMaterial([sealed.bytes], { ...this.#options, run: this.#run });
    }
    this.#entries.push(sealed);
    if (body.type === 'phase-entered') this.#isHeld = body.to === 'held';
    if (body.type !== 'check-recorded') return;
    const { check, gate } = body.evidence;
    if (check === 'g8.report') this.#isReported = true;
    if (check === RECEIVED_CHECK) this.#isReceived = true;
    this.#received.end();
    // Whoever follows a rollback has seen the installation.
    if (this.#options.until === 'rolledBack' && gate !== ROLLBACK_GATE) return;
    const row = this.#summary()
      ?.gates.flatMap((gate) => gate.checks)
      .find(({ id }) => id === check);
    if (row) this.#options.write(finishedLine(row, this.#options.terminal));
    this.#isLineOpen = false;
  }

  #showRunning(checkId: string): void {
    const gate = /^g(\d)\./.exec(checkId)?.[1];
    this.#options.write(runningLine({ gate: gate ? `G${gate}` : '', id: checkId }, this.#options.terminal));
    this.#isLineOpen = this.#options.terminal.isTty;
  }

  #summary(): ReturnType<typeof deriveSummary> | undefined {
    if (!this.#material) return undefined;
    const { statement, plan, buildRecord, policy } = this.#material;
    const { subGaps, gates } = parsePolicy(policy);
    return deriveSummary({
      entries: this.#entries,
      release: {
        statement: parseReleaseStatement(statement),
        plan: parsePlan(plan),
        statementDigest: sha256(statement),
      },
      buildRecord: parseBuildRecord(buildRecord),
      acceptedGaps: subGaps.accept,
      requiredGates: gates.required,
      kinds: checkKinds,
    });
  }
}
