/**
 * A dry run over live data, held at each of its stop gates until people have ruled.
 *
 * 1. What the invariants count is read before the first start and behind the closeout; any difference is a failure, whoever caused it.
 * 2. Where it stands is a durable fact before anybody is told: a restart of the agent goes on from there.
 * 3. It goes on only with the token that it gave itself, and only after a ruling that this host has verified.
 * 4. Without the secrets that only it needs, it leaves a sub-gap.
 */
import type { Json } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import { type DryrunObservation, type DryrunParams, dryrunKind } from '../../shared/ledger/kinds/dryrun.ts';
import { dryRunSecrets } from '../../shared/release/secrets-to-have.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { type DryrunLine, lastLine } from './dryrun-line.ts';
import { entrypointOf } from './entrypoint-of.ts';
import { type DryrunProgress, loadProgress, saveProgress } from './hold.ts';
import { declaredInvariant, type InvariantReading, readInvariants } from './invariants.ts';
import { blocked, type CheckContext, type CheckOutcome, type HeldOutcome, observed } from './observe.ts';
import { type ProcessRun, runProcess } from './process-check.ts';
import { redactorOf } from './redactor.ts';

/** What a program exits with to say that people have to look first: `EX_TEMPFAIL` of sysexits.h. */
const HELD_EXIT = 75;
const CLOSEOUT_CHARACTERS = 1_024;
const SUMMARY_CHARACTERS = 2_000;

/** Errors: `RejectedError` with `invariant-undeclared`, `secret-missing`, `fact-malformed`; those of `lookIntoDatabase`. */
export async function observeDryrun(context: CheckContext): Promise<CheckOutcome | HeldOutcome> {
  const { check, facts } = context;
  const params = paramsOf(dryrunKind, check);
  const missing = missingSecrets(params, context);
  if (missing.length > 0) return gapWithout(missing, params, context);
  const progress = loadProgress(facts, check.id) ?? (await begin(params, context));
  const { hold } = progress;
  if (hold && hold.decision === undefined) return heldAt({ ...hold, summary: 'it waits for a ruling' });
  if (hold?.decision === 'stop') return blocked(`people have ruled to stop at ${hold.stopGate}`, []);
  const passed = hold ? [...progress.passed, hold.stopGate] : progress.passed;
  const run = await start(params, { context, resume: hold?.resume });
  if (run.did === 'end-the-check') return run.outcome;
  const line = lastLine(run.fd3Lines);
  const going: DryrunProgress = { before: progress.before, passed };
  if (isHeldNow(run, line)) return waitAt(line.stop, going, context);
  return close({ run, line, progress: going }, params, context);
}

/** What a dry run alone needs, and this host has not. Errors: `RejectedError('invariant-undeclared')`. */
function missingSecrets(params: DryrunParams, { release: { plan }, secrets }: CheckContext): string[] {
  for (const invariant of params.invariants) declaredInvariant(plan, invariant);
  return dryRunSecrets(plan, params).filter((name) => secrets.read(name) === undefined);
}

/** 4: a release may stand without it; what was not proven is said, and somebody has to close it. */
function gapWithout(
  missing: readonly string[],
  { entrypoint, invariants }: DryrunParams,
  { release }: CheckContext,
): CheckOutcome {
  const { argv } = entrypointOf(release.plan, entrypoint);
  const names = missing.join(', ');
  const statement =
    `a dry run of entrypoint ${entrypoint} (${cutEnd(argv.join(' '), 512)}) against live data was not run, and that ` +
    `${invariants.join(', ')} stay the same around it was not proven: this host has no secret ${names}`;
  const route = `store ${names} on the host and deploy again`;
  return { result: { did: 'leave-a-gap', statement, owner: 'unassigned', route } };
}

/** 1: read once, and kept, so that a run of days compares with its beginning. */
async function begin({ invariants }: DryrunParams, context: CheckContext): Promise<DryrunProgress> {
  const progress = { before: await readInvariants(invariants, context), passed: [] };
  saveProgress(context.facts, context.check.id, progress);
  return progress;
}

function start(
  { entrypoint }: DryrunParams,
  { context, resume }: { context: CheckContext; resume: string | undefined },
) {
  const { argv, network, secrets = [] } = entrypointOf(context.release.plan, entrypoint);
  return runProcess(context, {
    argv,
    network,
    secrets,
    timeoutMs: timeoutMsOf(dryrunKind, context.check),
    fd3: 'collected',
    ...(resume !== undefined && { env: { KEYTURN_RESUME: resume } }), // 3
  });
}

interface HeldLine {
  readonly stopGate: string;
  readonly summary: string;
  readonly resume: string;
}

function isHeldNow({ seen: { ended } }: ProcessRun, line: DryrunLine | undefined): line is { stop: HeldLine } {
  return ended.by === 'exit' && ended.code === HELD_EXIT && line !== undefined && 'stop' in line;
}

/** 2: where it waits is a fact before the run says that it does. */
function waitAt({ stopGate, resume, summary }: HeldLine, progress: DryrunProgress, context: CheckContext): HeldOutcome {
  saveProgress(context.facts, context.check.id, { ...progress, hold: { stopGate, resume } });
  return heldAt({ stopGate, summary });
}

function heldAt({ stopGate, summary }: { stopGate: string; summary: string }): HeldOutcome {
  return { held: { stopGate, summary: cutEnd(summary, SUMMARY_CHARACTERS) } };
}

async function close(
  ended: { run: ProcessRun; line: DryrunLine | undefined; progress: DryrunProgress },
  { entrypoint, invariants }: DryrunParams,
  context: CheckContext,
): Promise<CheckOutcome> {
  const { run, line, progress } = ended;
  const after = await readInvariants(invariants, context);
  const closeout = line && 'closeout' in line ? line.closeout : undefined;
  const observation: DryrunObservation = {
    entrypoint,
    process: run.seen,
    declaredStopGates: [...entrypointOf(context.release.plan, entrypoint).stopGates],
    resumedStopGates: [...progress.passed],
    isClosedOut: closeout !== undefined,
    ...(closeout !== undefined && { closeout: cutEnd(redactorOf(context)(closeout), CLOSEOUT_CHARACTERS) }),
    invariants: invariants.map((name) => comparedAt(name, { before: progress.before, after })),
  };
  return { ...observed(observation as unknown as Json), capsule: run.capsule };
}

function comparedAt(
  name: string,
  readings: { before: readonly InvariantReading[]; after: readonly InvariantReading[] },
): DryrunObservation['invariants'][number] {
  const [before, after] = [find(name, readings.before), find(name, readings.after)];
  return {
    name,
    dsn: after.dsn,
    readOnly: before.readOnly,
    readOnlyAfter: after.readOnly,
    before: before.counts,
    after: after.counts,
    ...(before.digests && { digestsBefore: before.digests }),
    ...(after.digests && { digestsAfter: after.digests }),
    ...(after.unseen && { unseen: after.unseen }),
  };
}

function find(name: string, readings: readonly InvariantReading[]): InvariantReading {
  const reading = readings.find((candidate) => candidate.name === name);
  if (reading) return reading;
  throw new RejectedError('fact-missing', `failed to compare invariant "${name}": nothing of it is on record`);
}
