/** The demo with a repository that was not made for it: to a verdict, and no further. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { GitRepository } from '../../support/git-repository.ts';

const DEMO = join(import.meta.dirname, '..', '..', '..', 'scripts', 'demo.ts');

const PLAIN = {
  name: 'lamp',
  version: { file: 'lamp/__init__.py', pattern: '__version__ = "(.+)"' },
  install: { root: '/opt/lamp', preserve: ['old'] },
  gates: { G5: [{ file: { id: 'there', path: 'lamp/__init__.py' } }] },
};
const WITH_A_DRY_RUN = {
  ...PLAIN,
  secrets: ['counts_ro'],
  entrypoints: {
    dryrun: { argv: ['python3', '-m', 'lamp'], stopGates: ['SG1'] },
    live: { argv: ['python3', '-m', 'lamp'], live: true },
  },
  invariants: { counts: { sql: { dsn: 'counts_ro', queries: { lamps: 'select count(*) from lamps' } } } },
  gates: { ...PLAIN.gates, G6: [{ dryrun: { id: 'dry', entrypoint: 'dryrun', invariants: ['counts'] } }] },
};

interface Gate {
  readonly gate: string;
  readonly status: string;
}

describe('npm run demo with a repository of one’s own', function () {
  this.timeout(60_000);

  const ROWS = {
    'without a dry run': { yaml: PLAIN, open: ['G1'] },
    'with one': { yaml: WITH_A_DRY_RUN, open: ['G1', 'G6'] },
  };
  for (const [name, { yaml, open }] of Object.entries(ROWS)) {
    it(`goes to verdict B ${name}: what nobody could prove is a sub-gap, and nothing is enabled`, () => {
      const repository = new GitRepository();
      const place = mkdtempSync(join(tmpdir(), 'keyturn-demo-test-'));
      try {
        repository.write('lamp/__init__.py', '__version__ = "1.0"\n').write('lamp/__main__.py', 'print("lit")\n');
        repository.write('keyturn.yaml', stringify(yaml)).commit();
        repository.tag('v1.0');
        const argv = [DEMO, '--repo', repository.path, '--ref', 'v1.0', '--json'];
        const ended = spawnSync(process.execPath, argv, { encoding: 'utf8', env: { ...process.env, TMPDIR: place } });
        expect(ended.status, ended.stderr).to.equal(0);
        const told = JSON.parse(ended.stdout);
        expect(told).to.include({ verdict: 'B', executionEnabled: false, enabled: null, liveRows: null, kill: null });
        const partial = (told.gates as Gate[]).filter(({ status }) => status === 'PARTIAL');
        expect(partial.map(({ gate }) => gate)).to.deep.equal(open);
      } finally {
        repository.remove();
        rmSync(place, { recursive: true, force: true });
      }
    });
  }
});
