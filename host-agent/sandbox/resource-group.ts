/**
 * A control group (cgroup) for one run: bounds memory and process count of all its processes together, and counts how
 * often a bound was met.
 *
 * The group is made below the agent's own, where it has been delegated: v2 with the memory and pids controllers, else v1.
 * A host that lets us make none is normal (an agent without root); then resource limits of each process have to do.
 * The kernel's files are no files of the agent: nothing here is durable, and nothing goes through `shared/store`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from '../../shared/errors.ts';
import { type CgroupMount, cgroupMounts } from './cgroup-mounts.ts';
import type { LimitMechanism, SandboxLimit } from './outcome.ts';
import { identify, isRunning } from './process-watch.ts';

export interface ResourceGroup {
  readonly mechanism: Exclude<LimitMechanism, 'rlimit'>;
  /** Moves a process in; its later descendants are born inside. One that has ended is no error. Throws `GroupRefusedError`. */
  add(pid: number): void;
  /** From now on no member can fork, so that killing all of them ends. */
  forbidForks(): void;
  members(): number[];
  limitsHit(): SandboxLimit[];
  /** Removes the group once its last member has ended. One whose dead nobody has waited for yet is removed by a later run. */
  remove(): Promise<void>;
}

export interface GroupLimits {
  readonly memoryBytes: number;
  readonly processCount: number;
}

/** The kernel took the group's limits but not the process. */
export class GroupRefusedError extends Error {
  override readonly name = 'GroupRefusedError';
}

const GROUP_PREFIX = 'keyturn-';
/** A host's first process takes its time to wait for orphans; their group cannot be removed before, and no run waits for it. */
const REMOVE_TRIES = 6;
const leftover = new Set<string>();
let made = 0;

/** Makes a group with its limits set, or returns undefined where this host allows none. Never throws. */
export function openResourceGroup(limits: GroupLimits): ResourceGroup | undefined {
  for (const folder of leftover) if (isRemoved(folder)) leftover.delete(folder);
  const mounts = cgroupMounts();
  const name = `${GROUP_PREFIX}${process.pid}-${identify(process.pid)?.startTicks}-${++made}`;
  return openUnified(mounts, name, limits) ?? openSplit(mounts, name, limits);
}

/** Removes the groups that agents left which are no longer alive; one that has members stays. */
export function removeAbandonedGroups(): void {
  for (const folder of abandonedGroups()) attempt(() => rmdirSync(folder));
}

/** Pids of what still runs in the groups of agents that are no longer alive. */
export function membersOfAbandonedGroups(): number[] {
  return [...new Set(abandonedGroups().flatMap(membersOf))];
}

function abandonedGroups(): string[] {
  return cgroupMounts()
    .flatMap(parentsOf)
    .flatMap((parent) =>
      foldersIn(parent)
        .filter(isOfDeadAgent)
        .map((name) => join(parent, name)),
    );
}

function isOfDeadAgent(groupName: string): boolean {
  const [, pid, startTicks] = /^keyturn-(\d+)-(\d+)-\d+$/.exec(groupName) ?? [];
  return pid !== undefined && startTicks !== undefined && !isRunning({ pid: Number(pid), startTicks });
}

function openUnified(mounts: readonly CgroupMount[], name: string, limits: GroupLimits): ResourceGroup | undefined {
  for (const parent of mounts.filter(({ version }) => version === 2).flatMap(parentsOf)) {
    const folder = join(parent, name);
    // Refused where the agent is itself a member of a group that is not the root; then another parent may do.
    attempt(() => writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory +pids'));
    const isOpen = attempt(() => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'memory.max'), String(limits.memoryBytes));
      writeFileSync(join(folder, 'pids.max'), String(limits.processCount));
      if (existsSync(join(folder, 'memory.swap.max'))) writeFileSync(join(folder, 'memory.swap.max'), '0');
    });
    if (isOpen) return new KernelGroup('cgroup-v2', { memory: folder, pids: folder });
    attempt(() => rmdirSync(folder));
  }
  return undefined;
}

function openSplit(mounts: readonly CgroupMount[], name: string, limits: GroupLimits): ResourceGroup | undefined {
  const memoryMount = mounts.find(({ controllers }) => controllers.includes('memory'));
  const pidsMount = mounts.find(({ controllers }) => controllers.includes('pids'));
  if (memoryMount === undefined || pidsMount === undefined) return undefined;
  const memory = join(memoryMount.ownFolder, name);
  const pids = join(pidsMount.ownFolder, name);
  const isOpen = attempt(() => {
    mkdirSync(memory);
    if (pids !== memory) mkdirSync(pids);
    writeFileSync(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes));
    const withSwap = join(memory, 'memory.memsw.limit_in_bytes');
    if (existsSync(withSwap)) writeFileSync(withSwap, String(limits.memoryBytes));
    writeFileSync(join(pids, 'pids.max'), String(limits.processCount));
  });
  if (isOpen) return new KernelGroup('cgroup-v1', { memory, pids });
  for (const folder of [memory, pids]) attempt(() => rmdirSync(folder));
  return undefined;
}

class KernelGroup implements ResourceGroup {
  readonly mechanism: 'cgroup-v2' | 'cgroup-v1';
  readonly #memory: string;
  readonly #pids: string;

  constructor(mechanism: 'cgroup-v2' | 'cgroup-v1', folders: { memory: string; pids: string }) {
    this.mechanism = mechanism;
    this.#memory = folders.memory;
    this.#pids = folders.pids;
  }

  add(pid: number): void {
    try {
      for (const folder of this.#folders()) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    } catch (cause) {
      if (systemCodeOf(cause) === 'ESRCH') return;
      throw new GroupRefusedError(`cannot move process ${pid} into its group`, { cause });
    }
  }

  forbidForks(): void {
    // A group that is already gone has nobody left to forbid.
    attempt(() => writeFileSync(join(this.#pids, 'pids.max'), '0'));
  }

  members(): number[] {
    return [...new Set(this.#folders().flatMap(membersOf))];
  }

  limitsHit(): SandboxLimit[] {
    const memoryFile = this.mechanism === 'cgroup-v2' ? 'memory.events' : 'memory.oom_control';
    const hits: SandboxLimit[] = [];
    if (counterOf(join(this.#memory, memoryFile), 'oom_kill') > 0) hits.push('memory');
    if (counterOf(join(this.#pids, 'pids.events'), 'max') > 0) hits.push('processes');
    return hits;
  }

  async remove(): Promise<void> {
    for (const folder of this.#folders()) {
      let tries = 0;
      for (; tries < REMOVE_TRIES && !isRemoved(folder); tries++) await delay(2 ** tries);
      if (tries === REMOVE_TRIES) leftover.add(folder);
    }
  }

  #folders(): string[] {
    return this.#memory === this.#pids ? [this.#memory] : [this.#memory, this.#pids];
  }
}

/**
 * Folders of the v2 hierarchy that may hold our groups: the agent's own (it is the root, or the controllers are on),
 * or the unit's, when systemd put the agent into a sub-group of a delegated unit (`DelegateSubgroup=`). Never a slice,
 * which is systemd's to arrange.
 */
function parentsOf(mount: CgroupMount): string[] {
  const parent = dirname(mount.ownFolder);
  const isDelegated = mount.version === 2 && basename(parent).endsWith('.service');
  return isDelegated ? [parent, mount.ownFolder] : [mount.ownFolder];
}

/** False while the group has members, also dead ones that nobody has waited for. */
function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return true;
    if (systemCodeOf(error) === 'EBUSY') return false;
    throw error;
  }
}

/** Whether `act` succeeded. What fails here fails for lack of delegation, and the caller has another way. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return false;
  }
}

/** A process that this pid namespace does not hold has the number 0. */
function membersOf(folder: string): number[] {
  const pids = textOf(join(folder, 'cgroup.procs')).split('\n').map(Number);
  return pids.filter((pid) => pid > 0);
}

function foldersIn(parent: string): string[] {
  return existsSync(parent) ? readdirSync(parent) : [];
}

/** Empty for a group that is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return '';
  }
}

/** The number behind `key` in a file of `key number` lines; 0 if there is none. */
function counterOf(path: string, key: string): number {
  const line = textOf(path)
    .split('\n')
    .find((text) => text.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}
