/**
 * Runs one process for a check: in the sandbox, with the secrets that the check asked for, and hands back only what is
 * redacted.
 *
 * 1. No sandbox, no secret, no program: the check is blocked, nothing has run.
 * 2. Redaction comes before everything else that looks at output, so that no cut and no pattern can lay a secret bare (P7).
 * 3. How it ended is an observation, a limit included; only a stop from outside leaves nothing to observe.
 */
import { RejectedError } from '../../shared/errors.ts';
import type { FailureCapsule } from '../../shared/ledger/evidence.ts';
import type { ProcessSeen } from '../../shared/ledger/kinds/process-seen.ts';
import { LIMITS } from '../../shared/limits.ts';
import {
  detectNoSandbox,
  type ProcessEnd,
  type ProcessOutcome,
  runInSandbox,
  runUnconfined,
  type SandboxDescription,
  type SandboxLimits,
  type SandboxSpec,
} from '../sandbox/sandbox.ts';
import { cutArguments, cutEnd } from './cut-text.ts';
import { failureCapsule } from './failure-capsule.ts';
import { blocked, type CheckContext, type CheckOutcome } from './observe.ts';
import { redactorOf } from './redactor.ts';

const MIB = 1024 * 1024;
/** Between SIGTERM and SIGKILL: long enough to write a last line, short enough for a plan of hundreds of checks. */
const KILL_GRACE_MS = 2000;

export interface ProcessRequest {
  readonly argv: readonly string[];
  /** Relative to the tree. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly network: boolean;
  /** Names out of the plan's secrets. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  /** Whether lines of descriptor 3 are kept; closed unless said. */
  readonly fd3?: SandboxSpec['fd3'];
}

/** A process that ran to an end of its own or of a limit; all texts are redacted. */
export interface ProcessRun {
  readonly did: 'run';
  readonly seen: ProcessSeen;
  readonly stdout: string;
  readonly stderr: string;
  readonly capsule: FailureCapsule;
  /** As they came, NOT redacted: they may hold what the process is to be given again. */
  readonly fd3Lines: readonly string[];
}

/** Nothing ran, or what ran was stopped from outside: the check's outcome already stands. */
export interface NoProcessRun {
  readonly did: 'end-the-check';
  readonly outcome: CheckOutcome;
}

/** Errors: `RejectedError('secret-not-in-plan')`, and those of `runInSandbox`. */
export async function runProcess(context: CheckContext, request: ProcessRequest): Promise<ProcessRun | NoProcessRun> {
  const { secrets, missing } = readSecrets(context, request.secrets);
  if (missing.length > 0) return endCheck(blockedForSecrets(missing));
  const spec = specOf(context, { request, secrets });
  const outcome = await start(spec, context);
  if ('result' in outcome) return endCheck(outcome);
  const { ended } = outcome;
  if (ended.by === 'not-started') {
    return endCheck(blocked(`could not start "${request.argv[0]}": ${ended.reason}`, [ended.reason]));
  }
  if (ended.by === 'aborted') {
    return endCheck({ result: { did: 'lose', reason: 'the process was stopped before its end' } });
  }
  return processRun({ spec, outcome, ended, context });
}

function endCheck(outcome: CheckOutcome): NoProcessRun {
  return { did: 'end-the-check', outcome };
}

async function start(
  spec: SandboxSpec,
  { sandbox, sandboxRule }: CheckContext,
): Promise<ProcessOutcome | CheckOutcome> {
  if (sandbox) return await runInSandbox(spec, sandbox);
  if (sandboxRule === 'required') return blocked('no bubblewrap on this host', ['bubblewrap']);
  const unconfined = detectNoSandbox();
  return unconfined
    ? await runUnconfined(spec, unconfined)
    : blocked('no prlimit, setpriv or env on this host', ['util-linux', 'coreutils']);
}

type Secrets = Readonly<Record<string, Uint8Array>>;

function readSecrets(
  { release, secrets }: CheckContext,
  names: readonly string[],
): { secrets: Secrets; missing: readonly string[] } {
  const read: Record<string, Uint8Array> = {};
  const missing: string[] = [];
  for (const name of new Set(names)) {
    if (!release.plan.secrets.includes(name)) {
      throw new RejectedError('secret-not-in-plan', `failed to give secret "${name}": the plan names no such secret`);
    }
    const secret = secrets.read(name);
    if (secret) read[name] = secret;
    else missing.push(name);
  }
  return { secrets: read, missing };
}

function blockedForSecrets(missing: readonly string[]): CheckOutcome {
  const needs = missing.map((name) => `secret ${name}`);
  return blocked(`this host has no ${needs.join(', no ')}`, needs);
}

function specOf(
  { places, signal }: CheckContext,
  { request, secrets }: { request: ProcessRequest; secrets: Secrets },
): SandboxSpec {
  const tree = places.installPath;
  return {
    argv: request.argv as [string, ...string[]],
    tree,
    cwd: request.cwd === undefined ? tree : `${tree}/${request.cwd}`,
    env: request.env ?? {},
    network: request.network ? 'host' : 'none',
    hidden: places.hidden,
    secrets,
    limits: limitsFor(request.timeoutMs),
    fd3: request.fd3 ?? 'closed',
    signal,
  };
}

function limitsFor(timeoutMs: number): SandboxLimits {
  return {
    wallMs: timeoutMs,
    cpuSeconds: Math.ceil(timeoutMs / 1000),
    memoryBytes: 1024 * MIB,
    processCount: 256,
    fileBytes: 256 * MIB,
    outputBytes: LIMITS.capturedOutputBytes,
    tmpBytes: 256 * MIB,
    killGraceMs: KILL_GRACE_MS,
  };
}

type OwnEnd = Exclude<ProcessEnd, { by: 'not-started' | 'aborted' }>;

function processRun(run: {
  spec: SandboxSpec;
  outcome: ProcessOutcome;
  ended: OwnEnd;
  context: CheckContext;
}): ProcessRun {
  const { spec, outcome, ended, context } = run;
  const redactText = redactorOf(context);
  const [stdout, stderr] = [redactText(outcome.stdout.text), redactText(outcome.stderr.text)];
  const seen: ProcessSeen = {
    argv: cutArguments(spec.argv.map(redactText)),
    ended,
    durationMs: Math.round(outcome.durationMs),
    outputBytes: outcome.stdout.totalBytes + outcome.stderr.totalBytes,
    limitsHit: [...outcome.limitsHit],
    sandbox: { kind: outcome.sandbox.kind, detail: sandboxText(outcome.sandbox) },
    network: spec.network === 'host',
    secrets: Object.keys(spec.secrets ?? {}).sort(),
  };
  const capsule = failureCapsule(seen, { spec, stdout, stderr });
  return { did: 'run', seen, stdout, stderr, capsule, fd3Lines: outcome.fd3Lines };
}

function sandboxText(sandbox: SandboxDescription): string {
  const limits = `limits by ${sandbox.limits}, user ${sandbox.uid}`;
  if (sandbox.kind === 'none') return `none, ${limits}`;
  return cutEnd(`bubblewrap ${sandbox.version}, ${limits}, system calls ${sandbox.syscalls}`, 256);
}
