/**
 * Git, asked without letting a repository's or a user's configuration start anything.
 *
 * 1. The environment is made here; no `GIT_*` variable of the caller gets in. No prompt, no network, no lock.
 * 2. `workRepository` sees the repository as its owner does (ignore rules, who may read it), with every hook, monitor and
 *    content filter switched off.
 * 3. `objectView` sees nothing but the objects: a Git folder of our own borrows them, so neither `.git/config`, `info/attributes`,
 *    replacements nor promised remotes have a say in what a commit holds.
 */
import { homedir } from 'node:os';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type CommandResult, type CommandStream, endText, runCommand, streamCommand } from './run-command.ts';

const GIT_TIMEOUT_MS = 120_000;

/** What no command of ours may start, whatever is configured. */
const SWITCHED_OFF: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.untrackedCache', 'false'],
  ['core.quotePath', 'false'],
  ['core.pager', 'cat'],
  ['protocol.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['maintenance.auto', 'false'],
  ['gc.auto', '0'],
];

const SILENT_ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_ASKPASS: 'false',
  GIT_SSH_COMMAND: 'false',
  GIT_PAGER: 'cat',
  GIT_EDITOR: 'false',
};

export interface GitOptions {
  readonly input?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One way of looking at a repository. */
export class Git {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Runs to the end, whatever the exit code. Errors: `TransientError` when git cannot be started or takes too long. */
  async run(args: readonly string[], options: GitOptions = {}): Promise<CommandResult> {
    const result = await runCommand(this.#request(args, options));
    if (result.end.how === 'exited') {
      if (result.isCut)
        throw new RejectedError(
          'git-output-too-large',
          `failed to run git ${args[0]}: it printed more than ${LIMITS.gitOutputBytes} bytes`,
        );
      return result;
    }
    options.signal?.throwIfAborted();
    throw new TransientError(`failed to run git ${args[0]}: ${endText(result.end)}`, {
      hint: 'git 2.31 or newer must be on PATH',
    });
  }

  /** The output of a command that must succeed. Errors: as `run`, and `RejectedError('git-failed')`. */
  async read(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
    const result = await this.run(args, options);
    if (exitCode(result) !== 0) {
      throw new RejectedError(
        'git-failed',
        `failed to run git ${args[0]}: ${endText(result.end)}: ${firstLine(result.stderr)}`,
      );
    }
    return result.stdout;
  }

  stream(args: readonly string[], options: GitOptions = {}): CommandStream {
    return streamCommand(this.#request(args, options));
  }

  #request(args: readonly string[], { input, signal }: GitOptions) {
    return {
      argv: ['git', '--no-optional-locks', ...args],
      cwd: this.#folder,
      env: this.#environment,
      timeoutMs: GIT_TIMEOUT_MS,
      keepBytes: LIMITS.gitOutputBytes,
      input,
      signal,
    };
  }
}

/** Such as `2.39.5`. Errors: `TransientError` when git cannot be started. */
export async function gitVersion(signal: AbortSignal | undefined): Promise<string> {
  const printed = await objectView({ gitFolder: '/', objectFolder: '/' }).read(['--version'], { signal });
  return /(\d+(?:\.\d+)+)/.exec(firstLine(printed))?.[1] ?? firstLine(printed);
}

/** The repository as its owner sees it; `filters` are the configured content filters to switch off. */
export function workRepository(folder: string, filters: readonly string[] = []): Git {
  const off = filters.flatMap(
    (name) =>
      [
        [`filter.${name}.clean`, ''],
        [`filter.${name}.smudge`, ''],
        [`filter.${name}.process`, ''],
        [`filter.${name}.required`, 'false'],
      ] as const,
  );
  // The user's own configuration says what is ignored and which folders may be read; nothing in it gets to start a program.
  return new Git(folder, { ...silentEnvironment(), HOME: homedir(), ...configured([...SWITCHED_OFF, ...off]) });
}

export interface ObjectSource {
  /** A folder of our own that git takes for its own. */
  readonly gitFolder: string;
  readonly objectFolder: string;
}

/** Only the objects; see invariant 3. */
export function objectView({ gitFolder, objectFolder }: ObjectSource): Git {
  return new Git(gitFolder, {
    ...silentEnvironment(),
    HOME: gitFolder,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_DIR: gitFolder,
    GIT_OBJECT_DIRECTORY: objectFolder,
    ...configured(SWITCHED_OFF),
  });
}

export function exitCode(result: CommandResult): number | undefined {
  return result.end.how === 'exited' ? result.end.code : undefined;
}

export function firstLine(output: Buffer): string {
  return output.toString('utf8').split('\n')[0]?.slice(0, 512) ?? '';
}

function silentEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', ...SILENT_ENVIRONMENT };
}

/** As variables and not as `-c`: a filter may have a `=` in its name. */
function configured(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const entries = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(settings.length) };
}
