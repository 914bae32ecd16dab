import { isAbsolute, relative } from 'node:path';
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';

/** Bounds of one process and all its descendants. Each is a whole number above zero, save `killGraceMs`, which may be 0. */
export interface SandboxLimits {
  /** From the start of the sandbox to SIGTERM. */
  readonly wallMs: number;
  /** CPU time of one process (RLIMIT_CPU counts each by itself); `wallMs` bounds their sum. */
  readonly cpuSeconds: number;
  /** All processes together where a cgroup can be had, else the address space of each. */
  readonly memoryBytes: number;
  /** Processes and threads alive at once. */
  readonly processCount: number;
  /** The largest file that may be written. */
  readonly fileBytes: number;
  /** What is kept of stdout, and as much again of stderr. `OUTPUT_KILL_FACTOR` times this, both together, ends the run. */
  readonly outputBytes: number;
  /** What may be written in all, instead of that factor: for a process that is to run for days. */
  readonly allOutputBytes?: number;
  /** Size of the private `/tmp`, and as much again of `/dev/shm`. */
  readonly tmpBytes: number;
  /** From SIGTERM to SIGKILL at the wall limit, and for who is asked to end. */
  readonly killGraceMs: number;
}

/** One process to run: everything it may see, reach and use up. */
export interface SandboxSpec {
  /** Program and arguments; never a shell string. A program without a slash is looked up in the PATH of `env`. */
  readonly argv: readonly [string, ...string[]];
  /** The installed tree: absolute, stays readable even where a masked folder (`/tmp`, `/root`, `hidden`) contains it. */
  readonly tree: string;
  /** Working directory: absolute, `tree` or a folder inside it. */
  readonly cwd: string;
  /** On top of `FIXED_ENVIRONMENT`. Not for secrets: a process's environment is readable to its whole user. */
  readonly env?: Readonly<Record<string, string>>;
  readonly network: 'none' | 'host';
  /** Further paths bound read-only; needed only below a masked folder, as the whole root is readable. */
  readonly readable?: readonly string[];
  /** Paths that may be written. None by default. */
  readonly writable?: readonly string[];
  /** Folders masked by an empty file system: the agent's state, the secret store. One that does not exist is skipped. */
  readonly hidden: readonly string[];
  /** Each appears as `/run/keyturn/secrets/<name>`, readable to the sandbox's user alone, never on disk. */
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
  readonly limits: SandboxLimits;
  /** Whether descriptor 3 is a pipe whose lines are kept; of more than are kept, the first ones, or with `latest` the last. */
  readonly fd3: 'closed' | 'collected' | 'latest';
  /**
   * The user to run as, for a process that must own what it writes. By default one that nobody else has, reserved for
   * this run (agent is root), or the agent's own.
   */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Aborting kills at once, without grace. */
  readonly signal?: AbortSignal;
  /** Aborting asks to end: SIGTERM, and SIGKILL `killGraceMs` later. */
  readonly ending?: AbortSignal;
}

/** Where secrets appear inside the sandbox. */
export const SECRETS_FOLDER = '/run/keyturn/secrets';

/** Every process gets exactly this and the plan's own variables, nothing of the agent's environment. */
export const FIXED_ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  PYTHONDONTWRITEBYTECODE: '1',
  TMPDIR: '/tmp',
};

/** Certificates and passwords; they live in memory, in the masked `/run`. */
const SECRET_BYTES = 512 * 1024;
/** One descriptor each at the start. */
const SECRET_COUNT = 64;

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SECRET_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/**
 * Refuses a spec that could mean something else to a launcher than it says, before anything is started.
 * Throws `RejectedError`; a spec that passes may still turn out `not-started`.
 */
export function checkSpec(spec: SandboxSpec): void {
  checkArguments(spec.argv);
  checkPaths(spec);
  checkEnvironment(spec.env ?? {});
  checkSecrets(spec.secrets ?? {});
  checkLimits(spec.limits);
  checkUser(spec.user);
}

/** The whole environment of the process, sorted by name. */
export function environmentOf(spec: Pick<SandboxSpec, 'env'>): Readonly<Record<string, string>> {
  const merged = { ...FIXED_ENVIRONMENT, ...spec.env };
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * One digest over what could make the same tree behave differently: environment, arguments, limits, network and
 * the kind of sandbox. Two failures with the same digest were run alike. Secrets enter by name, never by value.
 */
export function describeEnvironment(spec: SandboxSpec, sandboxKind: 'bubblewrap' | 'none'): Sha256 {
  const described = {
    argv: [...spec.argv],
    env: environmentOf(spec),
    fd3: spec.fd3,
    limits: { ...spec.limits },
    network: spec.network,
    sandbox: sandboxKind,
    secrets: Object.keys(spec.secrets ?? {}).sort(),
    user: spec.user,
  };
  return sha256(encodeCanonical(described));
}

function checkArguments(argv: readonly string[]): void {
  const program = argv[0];
  if (program === undefined || program === '') throw refused('argv-empty', 'no program is named');
  // `env`, the last link of the launch chain, would take such a program for an assignment.
  if (program.includes('=')) throw refused('program-name-unusable', `program ${JSON.stringify(program)} holds "="`);
  if (argv.length > LIMITS.argvCount) {
    throw refused('argv-too-long', `${argv.length} arguments, expected at most ${LIMITS.argvCount}`);
  }
  for (const [index, argument] of argv.entries()) {
    if (argument.includes('\0')) throw refused('argument-holds-nul', `argument ${index} holds a NUL byte`);
    const bytes = Buffer.byteLength(argument);
    if (bytes > LIMITS.argumentBytes) {
      throw refused('argument-too-long', `argument ${index} has ${bytes} bytes, expected ${LIMITS.argumentBytes}`);
    }
  }
}

function checkPaths(spec: SandboxSpec): void {
  const paths = [spec.tree, spec.cwd, ...(spec.readable ?? []), ...(spec.writable ?? []), ...spec.hidden];
  for (const path of paths) {
    if (!isAbsolute(path) || path.includes('\0')) {
      throw refused('path-not-absolute', `path ${JSON.stringify(path)}: expected an absolute path without NUL`);
    }
  }
  if (relative('/', spec.tree) === '') throw refused('tree-is-root', 'the tree is "/", expected an installed tree');
  const inside = relative(spec.tree, spec.cwd);
  if (inside === '..' || inside.startsWith('../')) {
    throw refused('cwd-outside-tree', `cwd "${spec.cwd}" is not inside tree "${spec.tree}"`);
  }
}

function checkEnvironment(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!VARIABLE_NAME.test(name)) throw refused('variable-name-unusable', `variable ${JSON.stringify(name)}`);
    if (value.includes('\0')) throw refused('variable-holds-nul', `variable "${name}" holds a NUL byte`);
  }
}

function checkSecrets(secrets: Readonly<Record<string, Uint8Array>>): void {
  for (const name of Object.keys(secrets)) {
    if (!SECRET_NAME.test(name)) throw refused('secret-name-unusable', `secret ${JSON.stringify(name)}`);
  }
  const bytes = Object.values(secrets).reduce((sum, content) => sum + content.length, 0);
  if (bytes > SECRET_BYTES || Object.keys(secrets).length > SECRET_COUNT) {
    throw refused(
      'secrets-too-large',
      `secrets of ${bytes} bytes, expected at most ${SECRET_COUNT} of ${SECRET_BYTES} together`,
    );
  }
}

function checkLimits(limits: SandboxLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'killGraceMs' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw refused('limit-unusable', `limit ${name} is ${value}, expected a whole number of at least ${least}`);
    }
  }
}

function checkUser(user: SandboxSpec['user']): void {
  if (user === undefined) return;
  for (const [name, id] of Object.entries(user)) {
    if (!Number.isSafeInteger(id) || id < 1)
      throw refused('user-unusable', `${name} is ${id}, expected one that is not root's`);
  }
}

function refused(code: Lowercase<string>, message: string): RejectedError {
  return new RejectedError(code, `cannot run process: ${message}`);
}
