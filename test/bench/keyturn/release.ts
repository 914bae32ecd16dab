/** Releases for the benchmark: a git repository, and what `keyturn release build` and `push` make of its commits. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import type { ControlPlane } from './control-plane.ts';

/** Where the releases of the benchmark are installed; the plan says so. */
export const INSTALL_ROOT = '/opt/bench';
const TIMEOUT_MS = 15 * 60_000;
/** The repository is thrown away afterwards: it need not be small nor durable. */
const GIT_SETTINGS = ['core.compression=0', 'core.fsync=none', 'gc.auto=0', 'core.bigFileThreshold=1m'];

export class ReleaseRepository {
  readonly path: string;
  readonly app: string;

  private constructor(path: string, app: string) {
    this.path = path;
    this.app = app;
  }

  /** With a `keyturn.yaml` whose checks take no time worth speaking of. */
  static async create(path: string, app: string): Promise<ReleaseRepository> {
    const repository = new ReleaseRepository(path, app);
    mkdirSync(path, { recursive: true });
    await repository.#git(['init', '--quiet', '--initial-branch=main']);
    repository.write('keyturn.yaml', stringify(planOf(app)));
    repository.write('README', `${app}, for the benchmark\n`);
    return repository;
  }

  write(path: string, content: string | Uint8Array): void {
    const at = join(this.path, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
  }

  /** Commits everything as a tag, which is the version of the release. */
  async commit(version: string): Promise<void> {
    await this.#git(['add', '--all']);
    await this.#git(['commit', '--quiet', '--message', version]);
    await this.#git(['tag', version]);
  }

  /** Builds the tag and pushes it. Returns its name, `app@version`. */
  async publish(plane: ControlPlane, version: string): Promise<string> {
    const { bundle } = await buildBundle(plane, { repository: this.path, ref: version });
    await plane.run(['release', 'push', bundle], { timeoutMs: TIMEOUT_MS });
    rmSync(bundle);
    return `${this.app}@${version}`;
  }

  async #git(argv: readonly string[]): Promise<void> {
    const settings = GIT_SETTINGS.flatMap((setting) => ['-c', setting]);
    const who = { GIT_AUTHOR_NAME: 'Keyturn benchmark', GIT_AUTHOR_EMAIL: 'bench@localhost' };
    const by = { GIT_COMMITTER_NAME: who.GIT_AUTHOR_NAME, GIT_COMMITTER_EMAIL: who.GIT_AUTHOR_EMAIL };
    // The same commits wherever and whenever the benchmark runs.
    const when = { GIT_AUTHOR_DATE: '2026-03-02T09:00:00Z', GIT_COMMITTER_DATE: '2026-03-02T09:00:00Z' };
    const env = { ...plainEnvironment(this.path), ...who, ...by, ...when, GIT_CONFIG_NOSYSTEM: '1' };
    await runCommand(['git', '-C', this.path, ...settings, ...argv], { env, timeoutMs: TIMEOUT_MS });
  }
}

/** Builds one `.ktr` bundle beside the repository. */
export async function buildBundle(
  plane: ControlPlane,
  { repository, ref, config }: { repository: string; ref: string; config?: string },
) {
  const bundle = `${repository}-${ref}.ktr`;
  const outside = config === undefined ? [] : ['--config', config];
  const argv = ['release', 'build', '--repo', repository, '--ref', ref, ...outside, '--out', bundle];
  await plane.run(argv, { timeoutMs: TIMEOUT_MS });
  return { bundle };
}

function planOf(app: string): object {
  return {
    name: app,
    install: { root: INSTALL_ROOT },
    gates: {
      G5: [{ file: { id: 'readme', path: 'README' } }],
      G6: [{ absent: { id: 'no-environment', path: '.env' } }],
    },
  };
}
