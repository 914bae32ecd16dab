/** What a repository is asked before anything is built from it: one rule, one refusal (gate G0). */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import type { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { exitCode, firstLine, type Git, objectView, workRepository } from './git.ts';
import { remoteWithoutCredentials } from './remote-url.ts';

export interface OpenRequest {
  readonly repository: string;
  readonly ref: string;
  /** What an earlier build may have left in the working tree: it makes nothing dirty. */
  readonly isOwnOutput: (path: string) => boolean;
  readonly scratch: ScratchFolder;
  readonly signal?: AbortSignal | undefined;
}

export interface SourceCommit {
  /** Reads this repository's objects and nothing else of it. */
  readonly objects: Git;
  readonly commit: string;
  /** `refs/tags/v0.6`, or '' where the request named a commit by its id. */
  readonly ref: string;
  /** Seconds since 1970, of the committer. */
  readonly committedAt: number;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly worktree: 'clean' | 'bare';
  /** '' where there is none, or only one on this machine. */
  readonly remote: string;
}

/** How many dirty paths a refusal lists. */
const LISTED_PATH_COUNT = 10;

/**
 * Errors: `RejectedError` with `repository-not-found`, `repository-not-trusted`, `repository-shallow`, `ref-malformed`,
 * `repository-without-commits`, `ref-not-found`, `ref-is-no-commit` or `tree-dirty`, each with a hint.
 */
export async function openSourceCommit(request: OpenRequest): Promise<SourceCommit> {
  const { repository, ref, scratch, signal } = request;
  assertFolder(repository);
  const git = workRepository(repository, await filterNames(repository));
  const layout = await readLayout(git, request);
  checkComplete(layout, repository);
  checkRefText(ref);
  const commit = await resolveCommit(git, request);
  const fullRef = await fullRefOf(git, ref);
  if (!layout.isBare) await checkClean(git, request, layout);
  const objects = makeObjectView(layout, scratch);
  return {
    objects,
    commit,
    ref: fullRef,
    committedAt: await commitTime(objects, commit, signal),
    objectFormat: layout.objectFormat,
    worktree: layout.isBare ? 'bare' : 'clean',
    remote: await readRemote(git),
  };
}

interface Layout {
  readonly objectFolder: string;
  readonly top: string;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly isBare: boolean;
  readonly isShallow: boolean;
}

async function readLayout(git: Git, { repository }: OpenRequest): Promise<Layout> {
  const asked = ['--is-bare-repository', '--is-shallow-repository', '--show-object-format', '--git-path', 'objects'];
  const result = await git.run(['rev-parse', '--path-format=absolute', ...asked]);
  if (exitCode(result) !== 0) throw notReadable(repository, firstLine(result.stderr));
  const [bare, shallow, format, objectFolder = '', ...rest] = result.stdout.toString('utf8').trimEnd().split('\n');
  if (rest.length > 0 || objectFolder === '' || (format !== 'sha1' && format !== 'sha256')) {
    throw new RejectedError('repository-not-found', `failed to read repository "${repository}": its layout is unknown`);
  }
  const isBare = bare === 'true';
  const top = isBare ? '' : (await git.read(['rev-parse', '--show-toplevel'])).toString('utf8').replace(/\n$/, '');
  return { objectFolder, top, objectFormat: format, isBare, isShallow: shallow === 'true' };
}

/** Git started in a folder that is not there fails as if git itself were not there. */
function assertFolder(repository: string): void {
  const found = statSync(repository, { throwIfNoEntry: false });
  if (!found?.isDirectory()) throw notReadable(repository, found ? 'it is no folder' : 'there is no such folder');
}

function notReadable(repository: string, reason: string): RejectedError {
  if (reason.includes('dubious ownership')) {
    return new RejectedError(
      'repository-not-trusted',
      `failed to read repository "${repository}": it belongs to another user`,
      {
        hint: `if you trust it: git config --global --add safe.directory ${repository}`,
      },
    );
  }
  return new RejectedError('repository-not-found', `failed to read repository "${repository}": ${reason}`, {
    hint: 'name a folder inside a git repository, or a bare repository',
  });
}

function checkComplete({ isShallow }: Layout, repository: string): void {
  if (!isShallow) return;
  throw new RejectedError('repository-shallow', `failed to build from "${repository}": its history is cut off`, {
    hint: 'git fetch --unshallow',
  });
}

/** A reference is never an option, a range or a search. */
function checkRefText(ref: string): void {
  if (ref !== '' && !ref.startsWith('-') && ref.length <= 1024 && !/[\0-\x20\x7f:?*[\\^]|\.\.|@\{/.test(ref)) return;
  throw new RejectedError(
    'ref-malformed',
    `failed to read ref ${JSON.stringify(ref.slice(0, 200))}: it is no name of a commit`,
    {
      hint: 'name a tag, a branch, HEAD or a commit id',
    },
  );
}

async function resolveCommit(git: Git, { ref, repository }: OpenRequest): Promise<string> {
  const resolved = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);
  if (exitCode(resolved) === 0) return resolved.stdout.toString('utf8').trim();
  const object = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', ref]);
  if (exitCode(object) === 0 && (await exists(git, ref))) {
    throw new RejectedError('ref-is-no-commit', `failed to build "${ref}": it names no commit`, {
      hint: 'name a tag, a branch, HEAD or a commit id',
    });
  }
  const head = await git.run(['rev-list', '--all', '--max-count=1']);
  if (head.stdout.length === 0) {
    throw new RejectedError('repository-without-commits', `failed to build from "${repository}": it holds no commit`, {
      hint: 'commit first',
    });
  }
  throw new RejectedError(
    'ref-not-found',
    `failed to build "${ref}": "${repository}" has no such tag, branch or commit`,
    {
      hint: 'git fetch --tags, or see what is there: git tag --list',
    },
  );
}

async function exists(git: Git, ref: string): Promise<boolean> {
  return exitCode(await git.run(['cat-file', '-e', ref])) === 0;
}

async function fullRefOf(git: Git, ref: string): Promise<string> {
  const result = await git.run(['rev-parse', '--symbolic-full-name', '--end-of-options', ref]);
  const lines = result.stdout.toString('utf8').trim().split('\n');
  // Older versions of git repeat the separator in front of the answer.
  return exitCode(result) === 0 ? (lines.findLast((line) => line.startsWith('refs/')) ?? '') : '';
}

async function checkClean(git: Git, { repository, isOwnOutput }: OpenRequest, { top }: Layout): Promise<void> {
  const args = ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=all'];
  const lines = (await git.read(args))
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '');
  const dirty = lines
    .filter((line) => !(line.startsWith('?? ') && isOwnOutput(join(top, line.slice(3)))))
    .map((line) => line.slice(3));
  if (dirty.length === 0) return;
  const listed = dirty
    .slice(0, LISTED_PATH_COUNT)
    .map((path) => `\n  ${JSON.stringify(path)}`)
    .join('');
  const more = dirty.length > LISTED_PATH_COUNT ? `\n  and ${dirty.length - LISTED_PATH_COUNT} more` : '';
  throw new RejectedError(
    'tree-dirty',
    `failed to build from "${repository}": ${dirty.length} paths differ from the commit or are unknown to git${listed}${more}`,
    {
      hint: 'commit, stash or ignore them; what is built is the commit alone',
    },
  );
}

/** A Git folder of our own that borrows the objects. */
function makeObjectView({ objectFolder, objectFormat }: Layout, scratch: ScratchFolder): Git {
  return objectView({ gitFolder: prepareGitFolder(scratch, objectFormat), objectFolder });
}

function prepareGitFolder(scratch: ScratchFolder, objectFormat: string): string {
  scratch.makeFolder('git/refs');
  scratch.makeFolder('git/objects');
  const extension = objectFormat === 'sha256' ? '[extensions]\n\tobjectformat = sha256\n' : '';
  const version = objectFormat === 'sha256' ? 1 : 0;
  scratch.writeText('git/HEAD', 'ref: refs/heads/none\n');
  scratch.writeText('git/config', `[core]\n\trepositoryformatversion = ${version}\n\tbare = true\n${extension}`);
  return scratch.at('git');
}

async function commitTime(objects: Git, commit: string, signal: AbortSignal | undefined): Promise<number> {
  const text = (await objects.read(['cat-file', 'commit', commit], { signal })).toString('latin1');
  const [, seconds] = /^committer .*> (\d{1,12}) [+-]\d{4}$/m.exec(text.split('\n\n')[0] ?? '') ?? [];
  return Number(seconds ?? 0);
}

async function readRemote(git: Git): Promise<string> {
  const result = await git.run(['config', '--null', '--get', 'remote.origin.url']);
  return exitCode(result) === 0 ? remoteWithoutCredentials(result.stdout.toString('utf8').replace(/\0$/, '')) : '';
}

async function filterNames(repository: string): Promise<string[]> {
  const listed = await workRepository(repository).run([
    'config',
    '--null',
    '--name-only',
    '--get-regexp',
    '^filter\\.',
  ]);
  const keys = listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((key) => key !== '');
  const names = keys.map((key) => key.slice('filter.'.length, key.lastIndexOf('.')));
  return [...new Set(names)].filter((name) => name !== '');
}
