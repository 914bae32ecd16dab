/**
 * A release for tests of the whole: a real git repository of seven files and a link with a real unittest suite, built by the real
 * build. Small, because it is installed some hundred times; whole, because every gate has something to prove in it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildRelease } from '../../control-plane/build/build-release.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { manifestTreeDigest } from '../../shared/release/manifest.ts';
import type { AcceptedSubGap } from '../../shared/trust/policy.ts';
import { GitRepository } from './git-repository.ts';
import { manifestOf } from './install-fixture.ts';

export const APP = 'beacon';
export const INSTALL_ROOT = '/opt/apps';
/** The neighbour that every plan preserves, by its name in the install root. */
export const NEIGHBOUR_NAME = 'beacon-0.9';
export const NEIGHBOUR_FILES: Readonly<Record<string, string>> = {
  [`${NEIGHBOUR_NAME}/beacon/__init__.py`]: '__version__ = "0.9"\n',
  [`${NEIGHBOUR_NAME}/NOTES`]: 'runs since March\n',
};
/** The secret that the plan names, as the host holds it. */
export const SECRET_NAME = 'beacon_token';
export const SECRET = 'wintergreen-Lantern-4471-orchard';

/** Leaves out nothing but the database: with it the verdict is B, without it D. */
export const DRYRUN_GAP: AcceptedSubGap = {
  gate: 'G6',
  checkKind: 'dryrun',
  owner: 'operations',
  route: 'a dry run by hand',
  maxAgeDays: 30,
};

type CheckItem = Readonly<Record<string, object>>;

export interface SampleSpec {
  readonly version: string;
  /** What is checked in G5 and G6; `PROVING_GATES` unless said. */
  readonly gates?: Readonly<Record<string, readonly CheckItem[]>>;
  /** Besides `dryrun`, in place of a `live` that refuses. */
  readonly entrypoints?: Readonly<Record<string, object>>;
  /** Names of secrets besides the one that every sample has. */
  readonly secrets?: readonly string[];
  /** Files besides those that every sample has. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

const README = '# beacon\n';
const LIVE_FLAG = { id: 'switch-off', file: 'beacon/__init__.py', pattern: 'LIVE_ENABLED = (\\w+)', equals: 'False' };

/** One check of each kind that needs no database and no network, two of them with a process. */
export const PROVING_GATES: Readonly<Record<'G5' | 'G6', readonly CheckItem[]>> = {
  G5: [
    {
      exec: { id: 'unit', argv: ['python3', '-m', 'unittest', 'discover'], expect: { tests: { min: 3, failed: 0 } } },
    },
    { flag: LIVE_FLAG },
    { 'refuses-live': { id: 'refuses-live', entrypoint: 'live' } },
    { file: { id: 'notes', path: 'docs/README.md', contains: 'beacon' } },
    { tree: { id: 'docs', path: 'docs', equals: manifestTreeDigest(manifestOf({ 'README.md': README }).manifest) } },
    { absent: { id: 'no-environment', path: '.env' } },
  ],
  G6: [
    { 'no-process': { id: 'nothing-runs' } },
    { entrypoint: { id: 'dryrun-resolves', entrypoint: 'dryrun' } },
    { dryrun: { id: 'live-dryrun', entrypoint: 'dryrun', invariants: ['counts'] } },
  ],
};

/** All of the above that can pass: the verdict is A. */
export const PASSING_GATES: typeof PROVING_GATES = {
  ...PROVING_GATES,
  G6: PROVING_GATES.G6.filter((item) => !('dryrun' in item)),
};

/** A built bundle in a folder of its own. */
export interface BuiltSample extends Disposable {
  readonly version: string;
  readonly ktrPath: string;
  /** SHA-256 of the archive, as the signed statement names it. */
  readonly archiveSha256: string;
}

export async function buildSample(spec: SampleSpec): Promise<BuiltSample> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-sample-'));
  using repository = sampleRepository(spec);
  const { ktrPath, statement } = await buildRelease({
    repository: repository.path,
    ref: 'HEAD',
    kinds: planKinds,
    version: spec.version,
    out: join(folder, `${APP}-${spec.version}.ktr`),
  });
  return {
    version: spec.version,
    ktrPath,
    archiveSha256: statement.archive.sha256,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The repository that `buildSample` builds, committed and clean. */
export function sampleRepository(spec: SampleSpec): DisposableRepository {
  const { version, files = {} } = spec;
  const repository = new GitRepository();
  for (const [path, content] of Object.entries({ ...sourceFiles(version), ...files })) repository.write(path, content);
  repository.link('latest.md', 'docs/README.md');
  repository.write('keyturn.yaml', stringify(keyturnYaml(spec)));
  repository.commit(`beacon ${version}`);
  return { path: repository.path, [Symbol.dispose]: () => repository.remove() };
}

export interface DisposableRepository extends Disposable {
  readonly path: string;
}

function keyturnYaml({ gates = PROVING_GATES, entrypoints, secrets = [] }: SampleSpec): object {
  const cli = (...words: string[]) => ['python3', '-m', 'beacon.cli', ...words];
  return {
    name: APP,
    version: { file: 'beacon/__init__.py', pattern: '__version__ = "(.+)"' },
    install: { root: INSTALL_ROOT, preserve: [NEIGHBOUR_NAME] },
    artifact: { forbid: ['.env*', '**/__pycache__/**'] },
    tests: { argv: ['python3', '-m', 'unittest', 'discover'], expect: { tests: { min: 3, failed: 0 } } },
    requires: { tools: { python3: {} } },
    // No host of the tests has the second: the dry run leaves its gap.
    secrets: [SECRET_NAME, 'counts_ro', ...secrets],
    entrypoints: {
      dryrun: { argv: cli('dryrun'), stopGates: ['SG1'] },
      ...(entrypoints ?? { live: { argv: cli('live'), live: true } }),
    },
    invariants: {
      counts: { sql: { dsn: 'counts_ro', queries: { lamps: 'select count(*) from lamps' } } },
    },
    gates,
  };
}

function sourceFiles(version: string): Readonly<Record<string, string>> {
  return {
    'beacon/__init__.py': `__version__ = "${version}"\nLIVE_ENABLED = False\n`,
    'beacon/cli.py': CLI,
    'tests/__init__.py': '',
    'tests/test_beacon.py': TESTS,
    'docs/README.md': README,
    'tools/tell.py': TELL,
  };
}

const CLI = `import sys

import beacon


def main(words):
    if words == ["live"] and not beacon.LIVE_ENABLED:
        print("refused: no permit", file=sys.stderr)
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
`;

const TESTS = `import unittest

import beacon
from beacon import cli


class Beacon(unittest.TestCase):
    def test_is_off(self):
        self.assertFalse(beacon.LIVE_ENABLED)

    def test_refuses_live(self):
        self.assertEqual(cli.main(["live"]), 77)

    def test_dry_runs(self):
        self.assertEqual(cli.main(["dryrun"]), 0)
`;

/** Says a secret aloud in several spellings, then fails: what a careless payload would do. */
const TELL = `import base64
import sys

path = sys.argv[1]
secret = open(path).read()
print("connecting with", secret)
print("as base64", base64.b64encode(secret.encode()).decode())
print("as hex", secret.encode().hex(), file=sys.stderr)
sys.exit(3)
`;
