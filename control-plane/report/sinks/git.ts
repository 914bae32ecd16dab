/** Commits a report set into a git repository that stands on this machine. It never pushes. */
import { join } from 'node:path';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { type CommandResult, endText, runCommand } from '../../build/run-command.ts';
import { setFolder } from './folder.ts';
import type { ReportSet, ReportSink } from './sink.ts';

export interface GitSinkOptions {
  /** The working tree's root, absolute. */
  readonly repository: string;
  /** Below it, such as `reports`; each run gets a folder of its own there. */
  readonly folder: string;
  readonly author: { readonly name: string; readonly email: string };
}

const GIT_TIMEOUT_MS = 60_000;
const KEPT_OUTPUT_BYTES = 16 * 1024;

/** Errors of `take`: `RejectedError('not-a-repository')`, `TransientError` for everything else that git refuses. */
export function gitSink(options: GitSinkOptions): ReportSink {
  return { kind: 'git', location: options.repository, take: (set) => commitSet(options, set) };
}

async function commitSet(options: GitSinkOptions, set: ReportSet): Promise<void> {
  await checkRepository(options);
  const target = join(options.folder, setFolder(set));
  makeDirectory(join(options.repository, target));
  const paths = set.files.map(({ name }) => join(target, name));
  for (const file of set.files) writeFileAtomic(join(options.repository, target, file.name), file.content);
  await demand(options, ['add', '--force', '--', ...paths]);
  if (await isCommitted(options, paths)) return;
  // --only: what somebody else has staged stays staged, and out of this commit.
  await demand(options, ['commit', '--quiet', '--message', messageOf(set), '--only', '--', ...paths]);
}

async function checkRepository(options: GitSinkOptions): Promise<void> {
  const { end } = await git(options, ['rev-parse', '--is-inside-work-tree']);
  if (end.how === 'exited' && end.code === 0) return;
  throw new RejectedError(
    'not-a-repository',
    `failed to commit the report: "${options.repository}" is no git working tree`,
  );
}

async function isCommitted(options: GitSinkOptions, paths: readonly string[]): Promise<boolean> {
  const { stdout } = await demand(options, ['status', '--porcelain', '--untracked-files=all', '--', ...paths]);
  return stdout.length === 0;
}

function messageOf({ app, version, run, host }: ReportSet): string {
  return `reports: add ${app} ${version}, run ${run} on ${host}`;
}

async function demand(options: GitSinkOptions, argv: readonly string[]): Promise<CommandResult> {
  const result = await git(options, argv);
  if (result.end.how === 'exited' && result.end.code === 0) return result;
  const said = result.stderr.toString('utf8').trim();
  throw new TransientError(`failed to run git ${argv[0]} in "${options.repository}": ${endText(result.end)}: ${said}`);
}

/** Without hooks, prompts, signing and this user's settings: a report is committed alike on every machine. */
function git({ repository, author }: GitSinkOptions, argv: readonly string[]): Promise<CommandResult> {
  return runCommand({
    argv: ['git', '-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false', '-c', 'core.autocrlf=false', ...argv],
    cwd: repository,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
    },
    timeoutMs: GIT_TIMEOUT_MS,
    keepBytes: KEPT_OUTPUT_BYTES,
  });
}
