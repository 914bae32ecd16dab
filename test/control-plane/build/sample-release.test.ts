/** The release that the whole project starts from, built for real: its own tests, its findings, and its speed. */
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { BuildPlace } from '../../support/build-repository.ts';
import { GitRepository } from '../../support/git-repository.ts';

const PAYLOADS = join(dirname(fileURLToPath(import.meta.url)), '../../payloads/iu-cutter');

describe('sample release', function () {
  this.timeout(60_000);
  let repository: GitRepository;
  let place: BuildPlace;

  before(() => {
    repository = new GitRepository();
    place = new BuildPlace();
    // The folder of v0.6 holds what v0.6 changed.
    for (const version of ['v0.4.0-dryrun-skeleton', 'v0.6']) {
      cpSync(join(PAYLOADS, version), repository.path, {
        recursive: true,
        filter: (path) => !path.endsWith('__pycache__'),
      });
      repository.commit(version);
    }
    repository.tag('v0.6');
  });
  after(() => {
    place.remove();
    repository.remove();
  });

  it('passes G0 to G2 with 366 tests and 80 files, and carries its two findings', async () => {
    const began = new Map<string, number>();
    const built = await place.build(repository.path, {
      ref: 'v0.6',
      onStep: ({ check }) => began.set(check, performance.now()),
    });
    const ended = performance.now();
    expect(built.summary.gates.map(({ status }) => status)).to.deep.equal(['PASS', 'PASS', 'PASS']);
    expect(built.manifest.entries).to.have.length(80);
    expect(built.summary.findings.map(({ code }) => code)).to.deep.equal([
      'version-differs-from-tag',
      'entrypoint-does-not-exist',
    ]);
    const tests = built.buildRecord.checks.find(({ kind }) => kind === 'source-tests')?.observation;
    expect(tests).to.have.nested.include({ 'counts.runner': 'unittest', 'counts.passed': 366, 'counts.failed': 0 });
    const beforeTests = (began.get('g1.declared-entrypoints') ?? 0) - (began.get('g0.build-environment') ?? 0);
    const afterTests = ended - (began.get('g2.artifact-digest') ?? 0);
    expect(beforeTests + afterTests).to.be.lessThan(2000);
  });
});
