/** Repositories that the build can release, and what is looked at after a build. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildRequest, type BuiltRelease, buildRelease } from '../../control-plane/build/build-release.ts';
import { PLAN_KINDS } from '../../shared/ledger/kinds/registry.ts';
import { GitRepository } from './git-repository.ts';

export const KINDS = new Map(PLAN_KINDS.map((kind) => [kind.kind, kind]));

export const KEYTURN_YAML = `name: cutter
version: { file: cutter/__init__.py, pattern: '__version__ = "(.+)"' }
install: { root: /opt/dot, preserve: [old] }
tests: { argv: [sh, tests/run.sh], expect: { tests: { min: 3 } }, timeoutMs: 20000 }
`;

/** A test runner as small as can be: it prints what unittest prints. */
export function fakeRunner(summary: string, exitCode = 0): string {
  return `printf '%s\\n' '${'-'.repeat(70)}' '${summary}' '' 'OK' >&2\nexit ${exitCode}\n`;
}

/** A repository that builds: five files, tests, a declared version; nothing is committed yet. */
export function buildableRepository(options: { objectFormat?: 'sha1' | 'sha256' } = {}): GitRepository {
  return new GitRepository(options)
    .write('keyturn.yaml', KEYTURN_YAML)
    .write('cutter/__init__.py', '__version__ = "0.6"\n')
    .write('cutter/cli.py', 'print("cut")\n')
    .write('bin/cut', '#!/bin/sh\necho cut\n', { mode: 0o755 })
    .write('tests/run.sh', fakeRunner('Ran 3 tests in 0.001s'));
}

/** A folder for what a test writes, and for the scratch folders of its builds, so that one that stays behind shows. */
export class BuildPlace {
  readonly path = mkdtempSync(join(tmpdir(), 'keyturn-build-test-'));
  readonly #temporaryBefore = process.env.TMPDIR;

  constructor() {
    process.env.TMPDIR = this.path;
  }

  get out(): string {
    return join(this.path, 'out.ktr');
  }

  build(repository: string, options: Partial<BuildRequest> = {}): Promise<BuiltRelease> {
    return buildRelease({ repository, ref: 'HEAD', out: this.out, kinds: KINDS, ...options });
  }

  /** Names of what stands in the folder: the bundle, and any scratch folder that was forgotten. */
  left(): string[] {
    return existsSync(this.path) ? readdirSync(this.path).sort() : [];
  }

  remove(): void {
    if (this.#temporaryBefore === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#temporaryBefore;
    rmSync(this.path, { recursive: true, force: true });
  }
}
