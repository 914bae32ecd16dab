import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BuildRefused } from '../../../control-plane/build/build-release.ts';
import { sha256 } from '../../../shared/digest.ts';
import { openKtr, readKtrRelease, verifyKtr } from '../../../shared/release/ktr.ts';
import { parseReleaseStatement } from '../../../shared/release/release-statement.ts';
import { BuildPlace, buildableRepository, fakeRunner, KEYTURN_YAML } from '../../support/build-repository.ts';
import { COMMIT_SECONDS, type GitRepository } from '../../support/git-repository.ts';

describe('release build', function () {
  this.timeout(30_000);
  let place: BuildPlace;
  let repository: GitRepository;

  beforeEach(() => {
    repository = buildableRepository();
    place = new BuildPlace();
  });
  afterEach(() => {
    repository.remove();
    place.remove();
  });

  it('makes one bundle that holds the release, and leaves nothing else', async () => {
    const commit = repository.commit();
    repository.tag('v0.6');
    const steps: string[] = [];
    const built = await place.build(repository.path, {
      ref: 'v0.6',
      onStep: ({ gate, check }) => steps.push(`${gate} ${check}`),
    });
    expect(place.left()).to.deep.equal(['out.ktr']);
    expect(built.statement).to.include({ app: 'cutter', version: 'v0.6', commit });
    expect(built.summary.gates).to.deep.equal([
      { gate: 'G0', status: 'PASS' },
      { gate: 'G1', status: 'PASS' },
      { gate: 'G2', status: 'PASS' },
    ]);
    expect(built.summary.findings).to.deep.equal([]);
    expect(steps).to.deep.equal(built.summary.checks.map(({ gate, id }) => `${gate} ${id}`));
    const ktr = await openKtr(place.out);
    await verifyKtr(ktr);
    const read = await readKtrRelease(ktr);
    expect(read.statementBytes).to.deep.equal(built.statementBytes);
    expect(parseReleaseStatement(built.statementBytes)).to.deep.equal(built.statement);
    expect([...built.blobs.keys()]).to.deep.equal([...ktr.blobs.keys()]);
  });

  it('says where the release comes from, without times and credentials', async () => {
    repository.git('remote', 'add', 'origin', `https://user:${'pass'}word@git.example/team/cutter.git?x=1`);
    const commit = repository.commit();
    repository.tag('v0.6');
    const built = await place.build(repository.path, { ref: 'v0.6' });
    const provenance = JSON.parse(await contentOf(built, built.statement.provenance.sha256));
    const { buildDefinition, runDetails } = provenance.predicate;
    expect(provenance.subject).to.deep.equal([
      { name: 'cutter-v0.6.tar.gz', digest: { sha256: built.statement.archive.sha256 } },
    ]);
    expect(buildDefinition.externalParameters).to.deep.equal({
      config: 'keyturn.yaml',
      ref: 'refs/tags/v0.6',
      repository: 'https://git.example/team/cutter.git',
    });
    expect(buildDefinition.resolvedDependencies[0]).to.deep.equal({
      uri: 'git+https://git.example/team/cutter.git@refs/tags/v0.6',
      digest: { gitCommit: commit },
    });
    expect(runDetails.metadata).to.equal(undefined);
    expect(runDetails.builder.id).to.equal('https://keyturn.dev/builders/command-line/v1');
  });

  it('makes byte-identical bundles from two clones at two places', async () => {
    repository.git('remote', 'add', 'origin', 'https://git.example/cutter.git');
    repository.commit();
    repository.tag('v0.6');
    const bundles = await Promise.all(
      ['one', 'an-other-place'].map(async (name) => {
        const clone = join(place.path, name);
        repository.git('clone', '--quiet', repository.path, clone);
        spawnSync('git', ['-C', clone, 'remote', 'set-url', 'origin', 'https://git.example/cutter.git']);
        await place.build(clone, { ref: 'v0.6', out: join(place.path, `${name}.ktr`) });
        return readFileSync(join(place.path, `${name}.ktr`));
      }),
    );
    expect(bundles[0]?.length).to.be.greaterThan(1000);
    expect(sha256(bundles[0] ?? '')).to.equal(sha256(bundles[1] ?? ''));
  });

  it('takes the commit and not the working tree, whatever was checked out since', async () => {
    repository.commit('first');
    repository.tag('v0.6');
    repository.write('cutter/cli.py', 'print("changed")\n').write('later.txt', 'later').commit('second');
    const { manifest } = await place.build(repository.path, { ref: 'v0.6' });
    const cli = manifest.entries.find(({ path }) => path === 'cutter/cli.py');
    expect(cli).to.include({ sha256: sha256('print("cut")\n') });
    expect(manifest.entries.map(({ path }) => path)).not.to.include('later.txt');
  });

  it('builds from a bare repository, in which nothing can be dirty', async () => {
    repository.commit();
    repository.git('clone', '--quiet', '--bare', repository.path, join(place.path, 'bare.git'));
    const { buildRecord } = await place.build(join(place.path, 'bare.git'));
    expect(observationOf(buildRecord, 'g0.repository')).to.include({
      worktree: 'bare',
      ref: 'refs/heads/main',
      committedAt: COMMIT_SECONDS,
    });
  });

  it('builds from a repository with SHA-256 object ids', async () => {
    repository.remove();
    repository = buildableRepository({ objectFormat: 'sha256' });
    const commit = repository.commit();
    const { statement } = await place.build(repository.path);
    expect(statement.commit).to.equal(commit).and.to.have.length(64);
  });

  it('names an untagged release by its declared version and its commit', async () => {
    const commit = repository.commit();
    const { statement } = await place.build(repository.path);
    expect(statement.version).to.equal(`0.6-g${commit.slice(0, 12)}`);
  });

  it('carries a declared version that differs from the tag as a finding, and changes no source', async () => {
    repository.write('cutter/__init__.py', '__version__ = "0.4.0-dryrun-skeleton"\n').commit();
    repository.tag('v0.6');
    const { summary, manifest } = await place.build(repository.path, { ref: 'v0.6' });
    expect(summary.findings).to.deep.equal([
      {
        code: 'version-differs-from-tag',
        statement: 'cutter/__init__.py still declares "0.4.0-dryrun-skeleton", the release is "v0.6"',
      },
    ]);
    expect(manifest.entries.find(({ path }) => path === 'cutter/__init__.py')).to.include({
      sha256: sha256('__version__ = "0.4.0-dryrun-skeleton"\n'),
    });
  });

  it('carries an entrypoint that does not exist as a finding, unless a check needs it', async () => {
    const entrypoints =
      'entrypoints: { gone: { argv: [sh, bin/cut], probe: [-c, exit 3] }, there: { argv: [bin/cut], probe: [--help] }, away: { argv: [python3, -m, cutter.orchestrate] } }\n';
    repository.write('bin/cut', '#!/bin/sh\ntest "$1" = --help || exit 2\n', { mode: 0o755 });
    repository.write('keyturn.yaml', `${KEYTURN_YAML}${entrypoints}`).commit();
    const { summary } = await place.build(repository.path);
    expect(summary.findings.map(({ code, statement }) => `${code} ${statement.split(':')[0]}`)).to.deep.equal([
      'entrypoint-does-not-exist entrypoint "away" does not exist',
      'entrypoint-does-not-exist entrypoint "gone" does not exist',
    ]);
    repository
      .write('keyturn.yaml', `${KEYTURN_YAML}${entrypoints}gates: { G5: [ { entrypoint: { entrypoint: away } } ] }\n`)
      .commit();
    const refusal = await refusalOf(place.build(repository.path));
    expect(refusal.message).to.include(
      'entrypoint away resolves: expected it exists, got no cutter/orchestrate.py or cutter/orchestrate/__main__.py in the tree',
    );
  });

  it('never starts a live entrypoint, not even to probe it', async () => {
    const trace = join(place.path, 'started');
    repository
      .write('bin/live', `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 })
      .write(
        'keyturn.yaml',
        `${KEYTURN_YAML}entrypoints: { live: { argv: [bin/live], live: true, probe: [--help] } }\n`,
      )
      .commit();
    await place.build(repository.path);
    expect(place.left()).to.deep.equal(['out.ktr']);
  });

  it('runs the tests in a clean checkout that holds no secret of the developer', async () => {
    const script = `${'env | sort > "$TMPDIR/env"; ls -A > "$TMPDIR/ls"; echo spoiled > cutter/cli.py; '}test -z "$KEYTURN_TEST_TOKEN" || exit 9\ntest "$HOME" != "${process.env.HOME}" || exit 8\ntest ! -e .git || exit 7\n`;
    process.env.KEYTURN_TEST_TOKEN = 'a token';
    try {
      repository.write('tests/run.sh', `${script}${fakeRunner('Ran 3 tests in 0.001s')}`).commit();
      const { manifest } = await place.build(repository.path);
      // What a test does to its checkout does not reach the release.
      expect(manifest.entries.find(({ path }) => path === 'cutter/cli.py')).to.include({
        sha256: sha256('print("cut")\n'),
      });
    } finally {
      delete process.env.KEYTURN_TEST_TOKEN;
    }
  });

  it('takes a keyturn.yaml outside of a repository that has none', async () => {
    repository.git('init', '--quiet');
    const outside = join(place.path, 'outside.yaml');
    repository.write('keyturn.yaml', '').commit();
    repository.git('rm', '--quiet', 'keyturn.yaml');
    repository.commit();
    spawnSync('sh', ['-c', `cat > "${outside}"`], { input: KEYTURN_YAML });
    const { plan } = await place.build(repository.path, { config: outside });
    expect(plan.app).to.equal('cutter');
  });

  it('writes into a folder under the name of the release, and builds again over its own bundle', async () => {
    repository.commit();
    repository.tag('v0.6');
    for (const _round of [1, 2]) {
      const { ktrPath } = await place.build(repository.path, { ref: 'v0.6', out: repository.path });
      expect(ktrPath.endsWith('/cutter-v0.6.ktr')).to.equal(true);
    }
  });

  it('allows a secret that stands in history and not in the tree', async () => {
    repository.write('old.txt', secret()).commit('a mistake');
    repository.git('rm', '--quiet', 'old.txt');
    repository.commit('without it');
    expect((await place.build(repository.path)).summary.gates.every(({ status }) => status === 'PASS')).to.equal(true);
  });

  it('allows a secret and a forbidden name that export-ignore leaves out', async () => {
    repository.write('.gitattributes', 'fixtures export-ignore\n').write('fixtures/.env', secret()).commit();
    const { manifest } = await place.build(repository.path);
    expect(manifest.entries.map(({ path }) => path)).not.to.include('fixtures/.env');
  });

  it('stops when it is told to, and leaves nothing', async () => {
    repository.write('tests/run.sh', 'sleep 600\n').commit();
    const stop = new AbortController();
    const building = place.build(repository.path, {
      signal: stop.signal,
      onStep: ({ check }) => check === 'g1.source-tests' && setImmediate(() => stop.abort()),
    });
    const error = await building.catch((thrown: unknown) => thrown);
    expect(error).to.have.property('name', 'AbortError');
    expect(place.left()).to.deep.equal([]);
  });
});

function secret(): string {
  return `token = "${'ghp'}_${'a1B2'.repeat(9)}"\n`;
}

function observationOf(record: { checks: readonly { check: string; observation: unknown }[] }, check: string): unknown {
  return record.checks.find((row) => row.check === check)?.observation;
}

async function contentOf(
  built: { blobs: ReadonlyMap<string, { open(): AsyncIterable<Uint8Array> }> },
  digest: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of built.blobs.get(digest)?.open() ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function refusalOf(building: Promise<unknown>): Promise<BuildRefused> {
  return building.then(
    () => {
      throw new Error('the build was not refused');
    },
    (error: BuildRefused) => error,
  );
}
