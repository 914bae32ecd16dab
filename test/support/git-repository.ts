/** Real git repositories in temporary folders, with fixed authors and dates, so that a commit id depends on content alone. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** 2024-01-02 03:04:05 UTC. */
export const COMMIT_SECONDS = 1_704_164_645;

export class GitRepository {
  readonly path: string;

  constructor(options: { objectFormat?: 'sha1' | 'sha256' } = {}) {
    this.path = mkdtempSync(join(tmpdir(), 'keyturn-repository-'));
    this.git('init', '--quiet', '--initial-branch=main', `--object-format=${options.objectFormat ?? 'sha1'}`, '.');
  }

  write(path: string, content: string | Uint8Array, options: { mode?: number } = {}): this {
    const file = join(this.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (options.mode !== undefined) chmodSync(file, options.mode);
    return this;
  }

  link(path: string, target: string): this {
    symlinkSync(target, join(this.path, path));
    return this;
  }

  /** Commits everything that stands in the working tree; gives the commit's id. */
  commit(message = 'a commit'): string {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD').trim();
  }

  tag(name: string): this {
    this.git('tag', name);
    return this;
  }

  /** Puts an entry into the index that a file system would not hold. `mode` is git's, such as `160000`. */
  stage(mode: string, object: string, path: string | Uint8Array): this {
    const line = Buffer.concat([Buffer.from(`${mode} ${object} 0\t`), Buffer.from(path), Buffer.from('\0')]);
    this.run(['update-index', '-z', '--add', '--index-info'], line);
    return this;
  }

  /** Commits the index as it is, whatever stands in the working tree. */
  commitIndex(message = 'a commit'): string {
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD').trim();
  }

  /** Commits the index though objects of it are missing; bare from then on, as no working tree can have them. */
  commitIncomplete(): void {
    const tree = this.git('write-tree', '--missing-ok').trim();
    this.git('update-ref', 'HEAD', this.git('commit-tree', tree, '-m', 'a commit').trim());
    this.git('config', 'core.bare', 'true');
  }

  storeObject(content: string | Uint8Array): string {
    return this.run(['hash-object', '-w', '--stdin'], Buffer.from(content)).toString('utf8').trim();
  }

  git(...args: string[]): string {
    return this.run(args).toString('utf8');
  }

  run(args: readonly string[], input?: Uint8Array): Buffer {
    const result = spawnSync('git', args, { cwd: this.path, env: GIT_ENVIRONMENT, input, maxBuffer: 1 << 28 });
    if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.toString('utf8')}`);
    return result.stdout;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const DATE = `${COMMIT_SECONDS} +0000`;

const GIT_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'An Author',
  GIT_AUTHOR_EMAIL: 'author@example.org',
  GIT_AUTHOR_DATE: DATE,
  GIT_COMMITTER_NAME: 'A Committer',
  GIT_COMMITTER_EMAIL: 'committer@example.org',
  GIT_COMMITTER_DATE: DATE,
  GIT_ALLOW_PROTOCOL: 'file',
};
