/**
 * The only place of the agent that starts processes, and each without a shell (P2).
 *
 * `runInSandbox` runs one program of a plan inside bubblewrap, `runUnconfined` without. Both come back only when no process of
 * the run is left, and report what happened as a value: a failing process is no error. What they return is
 * not redacted; `shared/redaction.ts` comes before anything leaves the host (P7).
 */

import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { messageOf, RejectedError } from '../../shared/errors.ts';
import { startBubblewrap } from './bubblewrap.ts';
import { OutputCapture } from './captured-output.ts';
import type { BubblewrapSandbox, NoSandbox } from './detect.ts';
import { missingProgram } from './launch-chain.ts';
import type { LimitMechanism, ProcessEnd, ProcessOutcome, SandboxDescription, SandboxLimit } from './outcome.ts';
import { GroupRefusedError, openResourceGroup, type ResourceGroup } from './resource-group.ts';
import { type RunUser, reserveUser, sharedUser } from './sandbox-user.ts';
import { checkSpec, type SandboxSpec } from './spec.ts';
import { type Confinement, type SupervisedEnd, supervise } from './supervise.ts';
import { syscallFilter } from './syscall-filter.ts';
import { startUnconfined } from './unconfined.ts';

export { type BubblewrapSandbox, detectNoSandbox, detectSandbox, type NoSandbox, type Sandbox } from './detect.ts';
export type {
  CapturedOutput,
  LimitMechanism,
  ProcessEnd,
  ProcessOutcome,
  SandboxDescription,
  SandboxLimit,
} from './outcome.ts';
export { describeEnvironment, type SandboxLimits, type SandboxSpec, SECRETS_FOLDER } from './spec.ts';

/**
 * Runs a program confined by bubblewrap and resolves when it and all its descendants are gone.
 *
 * What cannot be started is an outcome (`not-started`), with nothing of the plan run. Throws `RejectedError` for a spec that
 * is itself wrong (see `checkSpec`), and `TransientError` when no user id is free or a secret cannot be handed over.
 * A process that nothing can kill (waiting for a dead disk) keeps the promise open: "gone" is never claimed early.
 */
export async function runInSandbox(spec: SandboxSpec, sandbox: BubblewrapSandbox): Promise<ProcessOutcome> {
  return run(spec, {
    sandbox,
    // Bubblewrap's own process in the namespace counts as one.
    ownProcessCount: 1,
    start: (user, group) => startBubblewrap(spec, { sandbox, user, group }),
    describe: (uid, limits) => ({
      kind: 'bubblewrap',
      version: sandbox.version,
      limits,
      uid,
      syscalls: syscallFilter(process.arch) === undefined ? 'unfiltered' : 'filtered',
    }),
  });
}

/**
 * Runs a program without a sandbox, for policies that allow `sandbox: none`. Limits, user and environment as in
 * `runInSandbox`; `network`, `readable`, `writable` and `hidden` are NOT enforced, and descendants are caught as
 * far as `unconfined.ts` tells. A spec with secrets is `not-started`: there is no private place to put them.
 */
export async function runUnconfined(spec: SandboxSpec, sandbox: NoSandbox): Promise<ProcessOutcome> {
  return run(spec, {
    sandbox,
    ownProcessCount: 0,
    start: async (user, group) =>
      Object.keys(spec.secrets ?? {}).length > 0
        ? 'secrets need a sandbox to appear in'
        : startUnconfined(spec, { sandbox, user, group }),
    describe: (uid, limits) => ({ kind: 'none', limits, uid }),
  });
}

/** How often a run is started anew because the host changed while its sandbox was being made. */
const MAX_RESTARTS = 10;

interface Kind {
  readonly sandbox: BubblewrapSandbox | NoSandbox;
  readonly ownProcessCount: number;
  start(user: RunUser | undefined, group: ResourceGroup | undefined): Promise<Confinement | string>;
  describe(uid: number, limits: LimitMechanism): SandboxDescription;
}

async function run(spec: SandboxSpec, kind: Kind): Promise<ProcessOutcome> {
  checkSpec(spec);
  const user = userOf(spec, kind);
  try {
    let outcome = await runOnce(spec, kind, { user, usesGroup: true });
    for (let restart = 0; restart < MAX_RESTARTS && lostMountPoint(outcome); restart += 1) {
      outcome = await runOnce(spec, kind, { user, usesGroup: true });
    }
    return outcome;
  } catch (error) {
    // Nothing of the plan has run yet, so the run may be started again with the limits that are left.
    if (!(error instanceof GroupRefusedError)) throw error;
    return await runOnce(spec, kind, { user, usesGroup: false });
  } finally {
    user?.release();
  }
}

async function runOnce(
  spec: SandboxSpec,
  kind: Kind,
  { user, usesGroup }: { user: RunUser | undefined; usesGroup: boolean },
): Promise<ProcessOutcome> {
  const startedAtMs = performance.now();
  const group = usesGroup ? openResourceGroup(groupLimits(spec, kind)) : undefined;
  const describe = (limits: LimitMechanism) => kind.describe(user?.uid ?? process.getuid?.() ?? -1, limits);
  try {
    const started = obstacleTo(spec) ?? (await startOrTell(() => kind.start(user, group)));
    if (typeof started === 'string') return notStarted(started, describe(group?.mechanism ?? 'rlimit'));
    const end = await supervise(started, spec);
    const limitsHit = limitsOf(end, group);
    return {
      ended: endOf(end, limitsHit),
      stdout: end.stdout,
      stderr: end.stderr,
      fd3Lines: end.fd3Lines,
      durationMs: Math.round(performance.now() - startedAtMs),
      limitsHit,
      sandbox: describe(started.limits),
    };
  } finally {
    await group?.remove();
  }
}

/**
 * Whether something that was to be hidden went away before bubblewrap came to it, such as the socket of a program that
 * ended: nothing of the plan has run then, and what is gone need not be hidden.
 */
function lostMountPoint({ ended }: ProcessOutcome): boolean {
  if (ended.by !== 'not-started') return false;
  const [, path] =
    /bwrap: Can't (?:mkdir parents for |create file at |bind mount .* on \/newroot)(\/.*?): /.exec(ended.reason) ?? [];
  return path !== undefined && !existsSync(path);
}

/** Undefined for an agent that is not root: it can only run things as itself. */
function userOf(spec: SandboxSpec, kind: Kind): RunUser | undefined {
  if (!isRoot()) return undefined;
  return spec.user === undefined ? reserveUser(kind.sandbox.users) : sharedUser(spec.user);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function groupLimits({ limits }: SandboxSpec, { ownProcessCount }: Kind) {
  return { memoryBytes: limits.memoryBytes, processCount: limits.processCount + ownProcessCount };
}

/** Why this spec cannot run on this host now, told before anything is started. */
function obstacleTo(spec: SandboxSpec): string | undefined {
  if (!isFolder(spec.tree)) return `tree "${spec.tree}" is no folder`;
  if (isRoot() && (statSync(spec.tree).mode & 0o005) !== 0o005) {
    return `tree "${spec.tree}" is closed to other users, and the sandbox's user is one`;
  }
  if (!isRoot() && spec.user !== undefined && spec.user.uid !== process.getuid?.()) {
    return `only an agent that is root can run as user ${spec.user.uid}`;
  }
  if (!isFolder(spec.cwd)) return `working directory "${spec.cwd}" is no folder`;
  return missingProgram(spec);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A path of the spec that does not exist is the host's state, not a wrong spec. */
async function startOrTell(start: () => Promise<Confinement | string>): Promise<Confinement | string> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof RejectedError) throw error;
    return messageOf(error);
  }
}

function notStarted(reason: string, sandbox: SandboxDescription): ProcessOutcome {
  return {
    ended: { by: 'not-started', reason },
    stdout: new OutputCapture(1).finish(),
    stderr: new OutputCapture(1).finish(),
    fd3Lines: [],
    durationMs: 0,
    limitsHit: [],
    sandbox,
  };
}

const SIGNAL_OF_LIMIT: Readonly<Record<string, SandboxLimit>> = { SIGXCPU: 'cpu', SIGXFSZ: 'file-size' };

function limitsOf(end: SupervisedEnd, group: ResourceGroup | undefined): SandboxLimit[] {
  const hit = new Set<SandboxLimit>(group?.limitsHit());
  if (end.stopped === 'wall' || end.stopped === 'output') hit.add(end.stopped);
  const bySignal = SIGNAL_OF_LIMIT[signalOf(end) ?? ''];
  if (bySignal !== undefined) hit.add(bySignal);
  return [...hit].sort();
}

function endOf(end: SupervisedEnd, limitsHit: readonly SandboxLimit[]): ProcessEnd {
  if (end.stopped === 'aborted') return { by: 'aborted' };
  if (end.stopped !== undefined && end.stopped !== 'asked') return { by: 'limit', limit: end.stopped };
  if (!end.hasStarted && end.signal === null)
    return { by: 'not-started', reason: `sandbox failed: ${end.stderr.text.trim()}` };
  const signal = signalOf(end);
  if (signal === undefined) return { by: 'exit', code: end.exitCode ?? -1 };
  const limit =
    SIGNAL_OF_LIMIT[signal] ?? (signal === 'SIGKILL' && limitsHit.includes('memory') ? 'memory' : undefined);
  return limit === undefined ? { by: 'signal', signal } : { by: 'limit', limit };
}

/** The signal that ended the process; bubblewrap passes it on as exit code 128 + n. */
function signalOf(end: SupervisedEnd): string | undefined {
  if (end.signal !== null) return end.signal;
  const number = (end.exitCode ?? 0) - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
