/** Makes the git repository of the sample payload: v0.4.0-dryrun-skeleton, then v0.6 on top, each tagged. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const payload = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'test', 'payloads', 'iu-cutter');

/** Each state as a folder that is laid over the one before, and the tag that it gets. */
const STATES = [
  {
    folder: 'v0.4.0-dryrun-skeleton',
    tag: 'v0.4.0-dryrun-skeleton',
    message: 'skeleton for dry runs',
    date: '2026-03-02T09:00:00Z',
  },
  { folder: 'v0.6', tag: 'v0.6', message: 'add the orchestrator and its phases', date: '2026-05-20T16:00:00Z' },
];

/** The database that the payload would be let loose on. */
export const PRODUCTION_SQL = {
  schema: join(payload, 'schema.sql'),
  seed: join(payload, 'seed.sql'),
  roles: join(payload, 'roles.sql'),
};

/** `adapt` is given each state's `keyturn.yaml`, which stays as it is unless said. */
export function makePayloadRepository(folder: string, adapt: (keyturnYaml: string) => string = (text) => text): void {
  mkdirSync(folder, { recursive: true });
  git(folder, ['init', '--quiet', '--initial-branch=main']);
  for (const state of STATES) {
    cpSync(join(payload, state.folder), folder, { recursive: true });
    const config = join(folder, 'keyturn.yaml');
    if (existsSync(config)) writeFileSync(config, adapt(readFileSync(config, 'utf8')));
    git(folder, ['add', '--all']);
    git(folder, ['commit', '--quiet', '--message', state.message], state.date);
    git(folder, ['tag', state.tag]);
  }
}

/** Writes the tree of a commit into a folder, as `git archive` gives it. */
export function checkOut(repository: string, { ref, into }: { ref: string; into: string }): void {
  mkdirSync(into, { recursive: true });
  const archive = execFileSync('git', ['-C', repository, 'archive', '--format=tar', ref], { maxBuffer: 1024 ** 3 });
  execFileSync('tar', ['-x', '-C', into], { input: archive });
}

/** What `git show <ref>:<path>` prints, or undefined when the commit has no such file. */
export function showFile(repository: string, { ref, path }: { ref: string; path: string }): string | undefined {
  try {
    return execFileSync('git', ['-C', repository, 'show', `${ref}:${path}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined; // git says so in its exit code alone; the caller has a better message
  }
}

function git(folder: string, argv: readonly string[], date = '2026-03-02T09:00:00Z'): void {
  execFileSync('git', ['-C', folder, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Keyturn demo',
      GIT_AUTHOR_EMAIL: 'demo@localhost',
      GIT_COMMITTER_NAME: 'Keyturn demo',
      GIT_COMMITTER_EMAIL: 'demo@localhost',
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    },
  });
}
