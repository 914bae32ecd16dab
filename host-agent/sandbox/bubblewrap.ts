/**
 * One run inside bubblewrap.
 *
 * Who does what, and why so. An agent that is root starts bubblewrap as root, without a user namespace: root makes the
 * mounts, then `setpriv` becomes an unprivileged user before the payload's first instruction. The alternative,
 * bubblewrap itself under the unprivileged user in a user namespace, is no safer for the payload (it ends with the same
 * user, no capability, no_new_privs) and fails where we need it: it cannot reach a tree below a folder of mode 0700, and many
 * hosts forbid unprivileged user namespaces. What runs as root here are bubblewrap, prlimit and setpriv from system
 * folders, with an empty environment and arguments of our making; the plan's words take effect only behind setpriv.
 * Bubblewrap's first process of the namespace stays root's without capabilities, out of the payload's reach.
 * An agent that is not root uses a user namespace, in which no further one can be made.
 *
 * Order of a start: bubblewrap's process enters the cgroup → mounts → bubblewrap blocks → secrets get their owner → release →
 * limits → privileges → environment → payload. Nothing of the plan runs before all bounds hold. Bubblewrap takes the
 * end of its block pipe for a release, and an agent that is killed ends it; so the path of the first program leads
 * through a folder that the release makes, and without it there is nothing to start.
 *
 * Ending: the payload's processes share a pid namespace, so killing its first process kills all, whatever they ignore,
 * forked twice or moved to another session; the kernel lets that first process end only after the others. When the agent
 * is killed, bubblewrap dies of it and takes that first process along, except in the moments before each has asked the
 * kernel for that; what is then left bears the agent's mark, and the next agent ends it (`abandoned-runs.ts`).
 */
import type { ChildProcess } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import { AGENT_MARK, markOfThisAgent } from './agent-mark.ts';
import type { BubblewrapSandbox } from './detect.ts';
import { type LaunchPrograms, launchChain } from './launch-chain.ts';
import { mountArguments } from './mounts.ts';
import type { LimitMechanism } from './outcome.ts';
import { identify, isRunning, type ProcessIdentity, sendSignal, signalProcess, waitUntil } from './process-watch.ts';
import type { ResourceGroup } from './resource-group.ts';
import { otherThreadsOf, type RunUser } from './sandbox-user.ts';
import { type SandboxSpec, SECRETS_FOLDER } from './spec.ts';
import { startProcess } from './start-process.ts';
import type { Confinement } from './supervise.ts';
import { syscallFilter } from './syscall-filter.ts';

/** Descriptors between us and bubblewrap; it closes each before the payload starts. */
const FD = { status: 4, block: 5, filter: 6, mounted: 7, firstSecret: 8 } as const;

/** Appears last of all that is mounted; its presence tells a payload that it is confined. */
const MARKER = '/run/keyturn/confined';

/** A file system of its own, as others may be read-only by then, with room for one folder. */
const START_FOLDER = '/run/keyturn/start';
const START_BYTES = 4096;
/** Made by the release and by nothing else. */
const RELEASED_FOLDER = `${START_FOLDER}/released`;

export interface BubblewrapRunOptions {
  readonly sandbox: BubblewrapSandbox;
  /** The user to become; undefined when the agent is not root. */
  readonly user: RunUser | undefined;
  readonly group: ResourceGroup | undefined;
}

/** Starts bubblewrap, which waits for `release`. Resolves with a reason when that is not possible. */
export async function startBubblewrap(spec: SandboxSpec, options: BubblewrapRunOptions): Promise<Confinement | string> {
  const child = await startProcess(bubblewrapCommand(spec, options), {
    cwd: '/',
    stdio: [
      'ignore',
      'pipe',
      'pipe',
      spec.fd3 === 'closed' ? 'ignore' : 'pipe',
      ...Array<'pipe'>(FD.firstSecret - FD.status).fill('pipe'),
      ...Object.keys(spec.secrets ?? {}).map(() => 'pipe' as const),
    ],
  });
  return typeof child === 'string' ? child : new BubblewrapRun(child, spec, options);
}

class BubblewrapRun implements Confinement {
  readonly child: ChildProcess;
  readonly limits: LimitMechanism;
  readonly #spec: SandboxSpec;
  readonly #options: BubblewrapRunOptions;
  readonly #outer: ProcessIdentity | undefined;
  /** The first process of the pid namespace, known once bubblewrap has told it. */
  #first: ProcessIdentity | undefined;
  /** What bubblewrap has told so far: lines of JSON. */
  #status = '';

  constructor(child: ChildProcess, spec: SandboxSpec, options: BubblewrapRunOptions) {
    this.child = child;
    this.#spec = spec;
    this.#options = options;
    this.limits = options.group?.mechanism ?? 'rlimit';
    this.#outer = identify(child.pid ?? 0);
    this.#feed();
  }

  get hasStarted(): boolean {
    // Bubblewrap tells an exit code only if all was set up and the launch chain began.
    return this.#status.includes('"exit-code"');
  }

  async release(): Promise<void> {
    const mounted = this.#mounted();
    const firstPid = await this.#firstPid();
    this.#first = identify(firstPid);
    if (this.#first === undefined) return; // it has ended by itself; `exit` follows
    // The kernel takes its time to move a process; bubblewrap mounts meanwhile.
    this.#options.group?.add(firstPid);
    await mounted;
    await this.#giveSecrets(this.#first);
    await inRootOf(this.#first, RELEASED_FOLDER, (path) => mkdirSync(path));
    this.#channel(FD.block).end('go');
  }

  terminate(): void {
    // Bubblewrap's `--new-session` makes the first process lead the group of the payload; itself it ignores SIGTERM.
    if (this.#first === undefined) this.kill();
    else if (isRunning(this.#first)) sendSignal(-this.#first.pid, 'SIGTERM');
  }

  kill(): void {
    if (this.#first !== undefined) signalProcess(this.#first, 'SIGKILL');
    if (this.#outer !== undefined) signalProcess(this.#outer, 'SIGKILL');
  }

  isGone(): boolean {
    const isEnded = (identity: ProcessIdentity | undefined) => identity === undefined || !isRunning(identity);
    return isEnded(this.#outer) && isEnded(this.#first);
  }

  #channel(fd: number): Duplex {
    return this.child.stdio[fd] as Duplex;
  }

  #feed(): void {
    const contents = [syscallFilter(process.arch) ?? Buffer.alloc(0), Buffer.alloc(0), ...secretContents(this.#spec)];
    for (const [index, content] of contents.entries()) {
      const channel = this.#channel(FD.filter + index);
      channel.end(content);
      channel.resume();
    }
    for (let fd: number = FD.status; fd < FD.filter + contents.length; fd++) {
      // A bubblewrap that has failed reads nothing more; its exit says so, not the broken pipe.
      this.#channel(fd).on('error', () => undefined);
    }
  }

  /** Bubblewrap reports `{"child-pid": …}`, possibly in pieces. */
  #firstPid(): Promise<number> {
    return new Promise((resolve) => {
      this.#channel(FD.status).on('data', (chunk: Buffer) => {
        this.#status += chunk.toString();
        const pid = /"child-pid":\s*(\d+)\s*[,}]/.exec(this.#status)?.[1];
        if (pid === undefined) return;
        this.#first ??= identify(Number(pid));
        resolve(Number(pid));
      });
    });
  }

  /** The marker is the last thing that bubblewrap mounts; having read its content, it closes the descriptor. */
  #mounted(): Promise<void> {
    return new Promise((resolve) => this.#channel(FD.mounted).once('close', () => resolve()));
  }

  /** Bubblewrap has written the secrets as root. They get their owner before anything else runs that could see them. */
  async #giveSecrets(first: ProcessIdentity): Promise<void> {
    const { user } = this.#options;
    const names = Object.keys(this.#spec.secrets ?? {});
    if (user === undefined) return;
    for (const name of names) {
      await inRootOf(first, `${SECRETS_FOLDER}/${name}`, (path) => chownSync(path, user.uid, user.gid));
    }
  }
}

/** Does something to a path of the sandbox once it is there: bubblewrap's last step is to enter the root that it has built. */
async function inRootOf(first: ProcessIdentity, path: string, act: (path: string) => void): Promise<void> {
  await waitUntil(() => !isRunning(first) || hasActed(`/proc/${first.pid}/root${path}`, act));
}

function hasActed(path: string, act: (path: string) => void): boolean {
  try {
    act(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw new TransientError(`cannot prepare sandbox at "${path}"`, { cause: error });
  }
}

function bubblewrapCommand(spec: SandboxSpec, options: BubblewrapRunOptions): string[] {
  const { mounts, seals } = mountArguments(spec);
  const isRoot = options.user !== undefined;
  return [
    options.sandbox.programs.bwrap,
    ...namespaceArguments(spec, isRoot),
    ...['--die-with-parent', '--new-session', '--clearenv', '--hostname', 'keyturn', '--cap-drop', 'ALL'],
    ...['--setenv', AGENT_MARK, markOfThisAgent()],
    // What `setpriv` needs to become another user, and to take these very rights away from itself.
    ...(isRoot ? ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name]) : []),
    ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
    ...mounts,
    ...secretArguments(spec),
    ...['--perms', '0755', '--size', String(START_BYTES), '--tmpfs', START_FOLDER],
    ...['--perms', '0444', '--file', String(FD.mounted), MARKER],
    ...['--remount-ro', '/dev', ...(isRoot ? [] : seals)],
    ...(syscallFilter(process.arch) === undefined ? [] : ['--seccomp', String(FD.filter)]),
    ...['--json-status-fd', String(FD.status), '--block-fd', String(FD.block), '--chdir', spec.cwd, '--'],
    ...launchChain(spec, releasedPrograms(options.sandbox.programs), {
      user: options.user,
      isGrouped: options.group !== undefined,
      userThreadCount: options.group === undefined ? threadCeiling(spec, options.user) : undefined,
    }),
  ];
}

/** The launch chain's programs, the first by a path that exists only once the payload is released. */
function releasedPrograms(programs: LaunchPrograms): LaunchPrograms {
  const toRoot = '/..'.repeat(RELEASED_FOLDER.split('/').length - 1);
  return { ...programs, prlimit: `${RELEASED_FOLDER}${toRoot}${programs.prlimit}` };
}

/** In a user namespace only the sandbox itself counts, and bubblewrap's first process has the payload's user there. */
function threadCeiling({ limits }: SandboxSpec, user: RunUser | undefined): number {
  return limits.processCount + (user === undefined ? 1 : otherThreadsOf(user));
}

function namespaceArguments(spec: SandboxSpec, isRoot: boolean): string[] {
  return [
    ...(isRoot ? [] : ['--unshare-user', '--disable-userns']),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    ...(spec.network === 'none' ? ['--unshare-net'] : []),
  ];
}

function secretArguments(spec: SandboxSpec): string[] {
  const folders = [dirname(SECRETS_FOLDER), SECRETS_FOLDER].flatMap((path) => ['--perms', '0755', '--dir', path]);
  const files = Object.keys(spec.secrets ?? {}).flatMap((name, index) => [
    ...['--perms', '0400', '--file', String(FD.firstSecret + index)],
    `${SECRETS_FOLDER}/${name}`,
  ]);
  return [...folders, ...files];
}

function secretContents(spec: SandboxSpec): Buffer[] {
  return Object.values(spec.secrets ?? {}).map((content) => Buffer.from(content));
}
