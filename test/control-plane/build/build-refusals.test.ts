/** What a build refuses. Each row is an input nobody should release; after each, nothing stands on disk. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import type { BuildRequest } from '../../../control-plane/build/build-release.ts';
import type { BuildRefused } from '../../../control-plane/build/build-checks.ts';
import { BuildPlace, buildableRepository, fakeRunner, KEYTURN_YAML } from '../../support/build-repository.ts';
import { GitRepository } from '../../support/git-repository.ts';

/** Never whole in this file: a repository must not hold what its own scan refuses. */
const SECRET = `token = "${'ghp'}_${'a1B2'.repeat(9)}"\n`;
const PRIVATE_KEY = `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(20)}\n-----END RSA ${'PRIVATE'} KEY-----\n`;
const OBJECT = '1'.repeat(40);

interface Refusal {
  readonly name: string;
  /** What is done to a repository that builds. */
  readonly given: (repository: GitRepository) => void;
  readonly request?: Partial<BuildRequest>;
  readonly code: string;
  /** Words of the message or of the hint. */
  readonly says: string;
}

const committed =
  (change: (repository: GitRepository) => void) =>
  (repository: GitRepository): void => {
    change(repository);
    repository.commit();
  };

const yaml = (text: string) => committed((repository) => repository.write('keyturn.yaml', text));
const tests = (script: string) => committed((repository) => repository.write('tests/run.sh', script));

const REFUSALS: readonly Refusal[] = [
  { name: 'a file that was changed and not committed', given: (r) => (r.commit(), r.write('cutter/cli.py', 'changed')), code: 'tree-dirty', says: '"cutter/cli.py"' },
  { name: 'a change that was staged and not committed', given: (r) => (r.commit(), r.write('new.py', 'x'), r.git('add', 'new.py')), code: 'tree-dirty', says: '"new.py"' },
  { name: 'a file that git does not know', given: (r) => (r.commit(), r.write('notes/a.txt', 'x')), code: 'tree-dirty', says: '"notes/a.txt"' },
  { name: 'a file that was removed', given: (r) => (r.commit(), r.git('rm', '--quiet', '--cached', 'bin/cut')), code: 'tree-dirty', says: 'commit, stash or ignore them' },
  { name: 'twelve dirty files, of which it lists ten', given: (r) => (r.commit(), Array.from({ length: 12 }, (_, i) => r.write(`dirt-${i}`, 'x'))), code: 'tree-dirty', says: 'and 2 more' },
  { name: 'a tag that does not exist', given: (r) => r.commit(), request: { ref: 'v9' }, code: 'ref-not-found', says: 'git fetch --tags' },
  { name: 'a commit that does not exist', given: (r) => r.commit(), request: { ref: OBJECT }, code: 'ref-not-found', says: OBJECT },
  { name: 'a ref that is an option', given: (r) => r.commit(), request: { ref: '--upload-pack=touch /tmp/owned' }, code: 'ref-malformed', says: 'name a tag' },
  { name: 'a ref that is a range', given: (r) => r.commit(), request: { ref: 'HEAD..main' }, code: 'ref-malformed', says: 'HEAD..main' },
  { name: 'a ref that reaches into a tree', given: (r) => r.commit(), request: { ref: 'HEAD:bin' }, code: 'ref-malformed', says: 'HEAD:bin' },
  { name: 'an empty ref', given: (r) => r.commit(), request: { ref: '' }, code: 'ref-malformed', says: '""' },
  { name: 'a tag on a tree', given: (r) => (r.commit(), r.git('tag', 'tree', 'HEAD^{tree}')), request: { ref: 'tree' }, code: 'ref-is-no-commit', says: '"tree"' },
  { name: 'a repository without a commit', given: () => undefined, code: 'repository-without-commits', says: 'commit first' },
  { name: 'a submodule', given: (r) => (r.commit(), r.stage('160000', OBJECT, 'vendor/lib').commitIndex(), mkdirSync(join(r.path, 'vendor/lib'), { recursive: true })), code: 'tree-has-submodule', says: '"vendor/lib"' },
  { name: 'a pointer to Git LFS', given: committed((r) => r.write('model.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`)), code: 'lfs-pointer', says: '"model.bin"' },
  { name: 'a keyword that export-subst would expand', given: committed((r) => r.write('.gitattributes', '*.py export-subst\n').write('v.py', '$Format:%H$')), code: 'export-subst-unsupported', says: '"v.py"' },
  { name: 'a name that is not UTF-8', given: (r) => staged(r, Buffer.from([0x61, 0xff, 0x62])), code: 'path-not-unicode', says: 'not UTF-8' },
  { name: 'two names that a file system folds to one', given: (r) => staged(r, 'cutter/CLI.py'), code: 'path-collision', says: 'CLI.py' },
  { name: 'a link out of the tree', given: committed((r) => r.link('out', '../../etc/passwd')), code: 'symlink-leaves-tree', says: '../../etc/passwd' },
  { name: 'a link to an absolute path', given: committed((r) => r.link('out', '/etc/passwd')), code: 'symlink-target-absolute', says: '/etc/passwd' },
  { name: 'a name with a line feed', given: (r) => staged(r, 'a\nb'), code: 'path-control-character', says: 'control character' },
  { name: 'the file that the agent writes itself', given: committed((r) => r.write('DEPLOY-MANIFEST.txt', 'x')), code: 'path-reserved', says: 'DEPLOY-MANIFEST.txt' },
  { name: 'a file larger than any release may have', given: hugeFile, code: 'file-too-large', says: '"huge.bin" has 17592186044416 bytes' },
  { name: 'a commit whose content is not in the repository', given: (r) => (r.commit(), r.stage('100644', OBJECT, 'gone.txt').git('write-tree', '--missing-ok'), commitTree(r)), code: 'object-missing', says: 'partial clone' },
  { name: 'a commit of which everything is left out', given: committed((r) => r.write('.gitattributes', '* export-ignore\n')), code: 'release-empty', says: 'no file' },
  { name: 'a repository without keyturn.yaml', given: (r) => (r.commit(), r.git('rm', '--quiet', 'keyturn.yaml'), r.commit()), code: 'keyturn-yaml-missing', says: '--config' },
  { name: 'a keyturn.yaml outside beside the one inside', given: (r) => r.commit(), request: { config: '/dev/null' }, code: 'keyturn-yaml-twice', says: '--config' },
  { name: 'a keyturn.yaml with an unknown key', given: yaml(`${KEYTURN_YAML}artefact: {}\n`), code: 'keyturn-yaml-malformed', says: 'did you mean "artifact"?' },
  { name: 'a keyturn.yaml with a value of another type', given: yaml(`${KEYTURN_YAML}secrets: governance\n`), code: 'keyturn-yaml-malformed', says: 'secrets: got "governance", expected a list' },
  { name: 'a keyturn.yaml with an unknown kind of check', given: yaml(`${KEYTURN_YAML}gates: { G5: [ { shell: { argv: [x] } } ] }\n`), code: 'keyturn-yaml-malformed', says: 'expected one of absent' },
  { name: 'a keyturn.yaml with a shell string', given: yaml(`${KEYTURN_YAML}gates: { G5: [ { exec: { argv: make } } ] }\n`), code: 'keyturn-yaml-malformed', says: 'not a shell string: write [make]' },
  { name: 'a keyturn.yaml with a key that stands twice', given: yaml(`${KEYTURN_YAML}name: other\n`), code: 'keyturn-yaml-unreadable', says: 'unique' },
  { name: 'a keyturn.yaml that is an alias bomb', given: yaml(`a: &a [x]\nb: &b [${'*a,'.repeat(99)}*a]\nc: &c [${'*b,'.repeat(99)}*b]\nd: [${'*c,'.repeat(99)}*c]\n${KEYTURN_YAML}`), code: 'keyturn-yaml-unreadable', says: 'alias' },
  { name: 'a keyturn.yaml that is no YAML', given: yaml('{{{'), code: 'keyturn-yaml-unreadable', says: 'failed to read keyturn.yaml' },
  { name: 'a keyturn.yaml that is no text', given: committed((r) => r.write('keyturn.yaml', Buffer.from([0xff, 0xfe, 0xfd]))), code: 'keyturn-yaml-unreadable', says: 'not UTF-8' },
  { name: 'a version that no folder may have', given: (r) => r.commit(), request: { version: 'V 1' }, code: 'version-malformed', says: '--version' },
  { name: 'a tag in capitals, which it does not fold', given: (r) => (r.commit(), r.tag('V0.6')), request: { ref: 'V0.6' }, code: 'version-malformed', says: 'the name of the tag is "V0.6"' },
  { name: 'a forbidden name of the plan', given: committed((r) => r.write('keyturn.yaml', `${KEYTURN_YAML}artifact: { forbid: ['**/__pycache__/**'] }\n`).write('cutter/__pycache__/a.pyc', 'x')), code: 'build-refused', says: 'forbidden names: expected none, got 1: cutter/__pycache__/a.pyc' },
  { name: 'names that no release may have, in any case and folder', given: committed((r) => r.write('conf/.ENV.prod', 'x').write('tls/server.PEM', 'x').write('id_rsa.old/a', 'x')), code: 'build-refused', says: 'forbidden names: expected none, got 3: conf/.ENV.prod, id_rsa.old/a, tls/server.PEM' },
  { name: 'secrets, all of which it names by place', given: committed((r) => r.write('a.py', `# one\n${SECRET}`).write('b/c.txt', PRIVATE_KEY)), code: 'build-refused', says: 'got 2: a.py:2 (@secretlint/secretlint-rule-github), b/c.txt:1 (@secretlint/secretlint-rule-privatekey)' },
  { name: 'a secret that forbids the search', given: committed((r) => r.write('a.py', `# secretlint-disable\n${SECRET}`)), code: 'build-refused', says: 'a.py:2' },
  { name: 'a secret in UTF-16', given: committed((r) => r.write('a.txt', Buffer.from(`\ufeff${SECRET}`, 'utf16le'))), code: 'build-refused', says: 'a.txt:1' },
  { name: 'a login for a registry', given: committed((r) => r.write('web/.npmrc', `//r.example/:_${'auth'}=c2VjcmV0\n`)), code: 'build-refused', says: 'web/.npmrc:1 (npmrc-login)' },
  { name: 'tests that fail', given: tests(fakeRunner('Ran 3 tests in 0.001s', 1)), code: 'build-refused', says: 'the test command ends with: expected exit 0, got exit 1' },
  { name: 'tests of which one failed, whatever the exit code says', given: tests(fakeRunner('Ran 3 tests in 0.001s').replace("'OK'", "'FAILED (failures=1)'")), code: 'build-refused', says: 'tests failed: expected at most 0, got 1' },
  { name: 'fewer tests than there must be', given: tests(fakeRunner('Ran 2 tests in 0.001s')), code: 'build-refused', says: 'tests passed: expected at least 3, got 2' },
  { name: 'enough tests, had they not been skipped', given: tests(fakeRunner('Ran 3 tests in 0.001s').replace("'OK'", "'OK (skipped=3)'")), code: 'build-refused', says: 'tests passed: expected at least 3, got 0' },
  { name: 'tests that print no counts', given: tests('echo everything is fine\n'), code: 'build-refused', says: 'test counts: expected a summary of a known test runner, got none' },
  { name: 'tests that print their counts and then go on', given: tests(`${fakeRunner('Ran 3 tests in 0.001s').replace('exit 0\n', '')}echo and then >&2\n`), code: 'build-refused', says: 'test counts' },
  { name: 'tests that never end', given: committed((r) => r.write('keyturn.yaml', KEYTURN_YAML.replace('20000', '300')).write('tests/run.sh', 'sleep 600 & sleep 600\n')), code: 'build-refused', says: 'got time limit' },
  { name: 'a test command that does not exist', given: yaml(KEYTURN_YAML.replace('[sh, tests/run.sh]', '[no-such-program]')), code: 'build-refused', says: 'not started: ENOENT' },
  { name: 'a version pattern that searches for years', given: committed((r) => r.write('keyturn.yaml', KEYTURN_YAML.replace('__version__ = "(.+)"', () => '^(a+)+$')).write('cutter/__init__.py', `${'a'.repeat(60)}!`)), request: { version: '1' }, code: 'build-refused', says: 'got pattern-too-slow' },
  { name: 'a version file that is not there', given: yaml(KEYTURN_YAML.replace('__init__.py', 'none.py')), request: { version: '1' }, code: 'build-refused', says: 'got file-missing' },
  { name: 'an output folder that is not there', given: (r) => r.commit(), request: { out: '/no/such/folder/a.ktr' }, code: 'output-folder-missing', says: '/no/such/folder' },
];

describe('release build refuses', function () {
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

  for (const { name, given, request = {}, code, says } of REFUSALS) {
    it(`${name}, says what to do, and leaves nothing behind`, async () => {
      given(repository);
      const refusal = await refusalOf(place.build(repository.path, request));
      expect(refusal).to.have.property('code', code);
      expect(`${refusal.message}\n${refusal.hint ?? ''}`).to.include(says);
      expect(place.left()).to.deep.equal([]);
    });
  }

  it('more than fifty inputs', () => expect(REFUSALS.length).to.be.greaterThan(50));

  it('a shallow clone, and leaves nothing behind', async () => {
    repository.commit('first');
    repository.write('more.txt', 'x').commit('second');
    const clone = join(repository.path, '.git', 'shallow-clone');
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.path}`, clone);
    const refusal = await refusalOf(place.build(clone));
    expect(refusal).to.include({ code: 'repository-shallow', hint: 'git fetch --unshallow' });
    expect(place.left()).to.deep.equal([]);
  });

  it('a folder that is no repository', async () => {
    expect(await refusalOf(place.build(place.path))).to.have.property('code', 'repository-not-found');
  });

  it('a secret without ever saying it', async () => {
    repository.write('a.py', SECRET).commit();
    const refusal = await refusalOf(place.build(repository.path));
    const told = JSON.stringify({ message: refusal.message, summary: refusal.summary, stack: refusal.stack });
    expect(told).not.to.include(SECRET.slice(9, 30));
  });

  it('to run anything of a source that holds a secret', async () => {
    const trace = join(place.path, 'ran');
    repository.write('a.py', SECRET).write('tests/run.sh', `touch ${trace}\n`).commit();
    await refusalOf(place.build(repository.path));
    expect(existsSync(trace)).to.equal(false);
  });

  it('to keep the output of failed tests from whoever has to mend them', async () => {
    repository.write('tests/run.sh', 'echo the disk is flat >&2\nexit 3\n').commit();
    const { summary } = await refusalOf(place.build(repository.path));
    const row = summary.checks.find(({ id }) => id === 'g1.source-tests');
    expect(row?.status).to.equal('FAIL');
    expect(row?.capsule?.lastOutput).to.include('the disk is flat');
  });

  it('to replace an older bundle by a failed build', async () => {
    repository.commit();
    const { ktrPath } = await place.build(repository.path);
    const before = readFileSync(ktrPath);
    repository.write('a.py', SECRET).commit();
    await refusalOf(place.build(repository.path));
    expect(readFileSync(ktrPath).equals(before)).to.equal(true);
    expect(place.left()).to.deep.equal(['out.ktr']);
  });

  it('to start what a repository configures: hooks, monitors, filters', async () => {
    const trace = join(place.path, 'started');
    const program = join(repository.path, '.git', 'program');
    writeFileSync(program, `#!/bin/sh\ntouch ${trace}\ncat\n`, { mode: 0o755 });
    repository.write('.gitattributes', '*.py filter=evil diff=evil\n').commit();
    for (const key of ['core.fsmonitor', 'filter.evil.clean', 'filter.evil.smudge', 'diff.evil.textconv', 'diff.external', 'core.pager', 'core.sshCommand'])
      repository.git('config', key, program);
    repository.git('config', 'core.hooksPath', join(repository.path, '.git'));
    // The stat of a file differs from the index, so that git has to look at its content.
    repository.write('cutter/cli.py', 'print("cut")\n');
    await place.build(repository.path);
    expect(existsSync(trace)).to.equal(false);
  });
});

/** Adds a path that this file system may not hold; bare from then on, as no working tree can have it. */
function staged(repository: GitRepository, path: string | Uint8Array): void {
  repository.commit();
  repository.stage('100644', repository.storeObject('x'), path).commitIndex();
  repository.git('config', 'core.bare', 'true');
}

function commitTree(repository: GitRepository): void {
  const tree = repository.git('write-tree', '--missing-ok').trim();
  const commit = repository.git('commit-tree', tree, '-m', 'x').trim();
  repository.git('update-ref', 'HEAD', commit);
  repository.git('config', 'core.bare', 'true');
}

/** An object whose header claims 16 TiB; git believes it until the content is read. */
function hugeFile(repository: GitRepository): void {
  repository.commit();
  const folder = join(repository.path, '.git', 'objects', OBJECT.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, OBJECT.slice(2)), deflateSync(Buffer.from('blob 17592186044416\0x')));
  repository.stage('100644', OBJECT, 'huge.bin');
  commitTree(repository);
}

async function refusalOf(building: Promise<unknown>): Promise<BuildRefused> {
  return building.then(
    () => {
      throw new Error('the build was not refused');
    },
    (error: BuildRefused) => error,
  );
}
