/**
 * One run without a sandbox: its own session, limits and, under a root agent, its own user; nothing is hidden and
 * nothing is read-only but by file permissions. Only for policies that say `sandbox: none`; the outcome says so.
 *
 * Ending: whatever is in the run's cgroup, has its reserved user or stays in its process group is killed. Where there is
 * neither a cgroup nor a reserved user, a descendant that starts its own session escapes. That is what a sandbox is for.
 */
import type { ChildProcess } from 'node:child_process';
import type { NoSandbox } from './detect.ts';
import { launchChain } from './launch-chain.ts';
import type { LimitMechanism } from './outcome.ts';
import { identify, processesOfGroup, sendSignal } from './process-watch.ts';
import { GroupRefusedError, type ResourceGroup } from './resource-group.ts';
import { otherThreadsOf, ownUser, processesOfUser, type RunUser } from './sandbox-user.ts';
import type { SandboxSpec } from './spec.ts';
import { startProcess } from './start-process.ts';
import type { Confinement } from './supervise.ts';

export interface UnconfinedRunOptions {
  readonly sandbox: NoSandbox;
  /** The user to become; undefined when the agent is not root. */
  readonly user: RunUser | undefined;
  readonly group: ResourceGroup | undefined;
}

/** Starts the process. Resolves with a reason when that is not possible. */
export async function startUnconfined(spec: SandboxSpec, options: UnconfinedRunOptions): Promise<Confinement | string> {
  const command = launchChain(spec, options.sandbox.programs, {
    user: options.user,
    isGrouped: options.group !== undefined,
    // Set beside the cgroup too, for what a payload could fork before it is moved there; one more, so that the group,
    // which counts what it refuses, is met first.
    userThreadCount: spec.limits.processCount + 1 + otherThreadsOf(options.user ?? ownUser()),
  });
  const child = await startProcess(command, {
    cwd: spec.cwd,
    stdio: ['ignore', 'pipe', 'pipe', spec.fd3 === 'closed' ? 'ignore' : 'pipe'],
  });
  return typeof child === 'string' ? child : new UnconfinedRun(child, options);
}

/** One is enough for an honest payload; one that forks faster than it can be stopped is bounded by its limits alone. */
const JOIN_ROUNDS = 20;

class UnconfinedRun implements Confinement {
  readonly child: ChildProcess;
  readonly limits: LimitMechanism;
  readonly #options: UnconfinedRunOptions;
  #hasStarted = false;

  constructor(child: ChildProcess, options: UnconfinedRunOptions) {
    this.child = child;
    this.#options = options;
    this.limits = this.#joinGroup();
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  async release(): Promise<void> {
    // Nothing holds the payload back: where there is no bubblewrap, nothing can without a shell.
    this.#hasStarted = true;
  }

  terminate(): void {
    for (const pid of this.#members()) sendSignal(pid, 'SIGTERM');
  }

  kill(): void {
    this.#options.group?.forbidForks();
    for (const pid of this.#members()) sendSignal(pid, 'SIGKILL');
  }

  isGone(): boolean {
    return this.#members().length === 0;
  }

  /**
   * The kernel takes longer to move a process than the launch chain to start the payload, and what that has forked by then
   * is outside: so all of them stand still until each is in. A group that refuses leaves the process where it is: it may
   * have begun, so it cannot be started anew.
   */
  #joinGroup(): LimitMechanism {
    const { group } = this.#options;
    if (group === undefined) return 'rlimit';
    try {
      for (let round = 0; round < JOIN_ROUNDS; round++) {
        const outside = this.#outside(group);
        if (outside.length === 0) return group.mechanism;
        for (const pid of outside) sendSignal(pid, 'SIGSTOP');
        for (const pid of outside) group.add(pid);
      }
      return 'rlimit';
    } catch (error) {
      if (!(error instanceof GroupRefusedError)) throw error;
      return 'rlimit';
    } finally {
      for (const pid of this.#members()) sendSignal(pid, 'SIGCONT');
    }
  }

  #outside(group: ResourceGroup): number[] {
    const inside = new Set(group.members());
    return this.#members().filter((pid) => !inside.has(pid));
  }

  #members(): number[] {
    const { user, group } = this.#options;
    const grouped = (group?.members() ?? []).filter((pid) => identify(pid) !== undefined);
    const ofUser = user?.isReserved ? processesOfUser(user.uid) : [];
    return [...new Set([...grouped, ...ofUser, ...processesOfGroup(this.child.pid ?? 0)])];
  }
}
