import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { fakeRunner, KEYTURN_YAML } from '../../support/build-repository.ts';
import { committed, inBuildPlace, type Refusal, refusalOf, refusesEach } from '../../support/refused-builds.ts';

/** Never whole in this file: a repository must not hold what its own scan refuses. */
const SECRET = `token = "${'ghp'}_${'a1B2'.repeat(9)}"\n`;
const PRIVATE_KEY = `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(20)}\n-----END RSA ${'PRIVATE'} KEY-----\n`;

const yaml = (text: string) => committed((repository) => repository.write('keyturn.yaml', text));
const tests = (script: string) => committed((repository) => repository.write('tests/run.sh', script));

const ROWS: readonly Refusal[] = [
  {
    name: 'a forbidden name of the plan',
    given: committed((r) =>
      r
        .write('keyturn.yaml', `${KEYTURN_YAML}artifact: { forbid: ['**/__pycache__/**'] }\n`)
        .write('cutter/__pycache__/a.pyc', 'x'),
    ),
    code: 'build-refused',
    says: 'forbidden names: expected none, got 1: cutter/__pycache__/a.pyc',
  },
  {
    name: 'names that no release may have, in any case and folder',
    given: committed((r) => r.write('conf/.ENV.prod', 'x').write('tls/server.PEM', 'x').write('id_rsa.old/a', 'x')),
    code: 'build-refused',
    says: 'forbidden names: expected none, got 3: conf/.ENV.prod, id_rsa.old/a, tls/server.PEM',
  },
  {
    name: 'secrets, all of which it names by place',
    given: committed((r) => r.write('a.py', `# one\n${SECRET}`).write('b/c.txt', PRIVATE_KEY)),
    code: 'build-refused',
    says: 'got 2: a.py:2 (@secretlint/secretlint-rule-github), b/c.txt:1 (@secretlint/secretlint-rule-privatekey)',
  },
  {
    name: 'a secret that forbids the search',
    given: committed((r) => r.write('a.py', `# secretlint-disable\n${SECRET}`)),
    code: 'build-refused',
    says: 'a.py:2',
  },
  {
    name: 'a secret in UTF-16',
    given: committed((r) => r.write('a.txt', Buffer.from(`\ufeff${SECRET}`, 'utf16le'))),
    code: 'build-refused',
    says: 'a.txt:1',
  },
  {
    name: 'a login for a registry',
    given: committed((r) => r.write('web/.npmrc', `//r.example/:_${'auth'}=c2VjcmV0\n`)),
    code: 'build-refused',
    says: 'web/.npmrc:1 (npmrc-login)',
  },
  {
    name: 'tests that fail',
    given: tests(fakeRunner('Ran 3 tests in 0.001s', 1)),
    code: 'build-refused',
    says: 'the test command ends with: expected exit 0, got exit 1',
  },
  {
    name: 'tests of which one failed, whatever the exit code says',
    given: tests(fakeRunner('Ran 3 tests in 0.001s').replace("'OK'", "'FAILED (failures=1)'")),
    code: 'build-refused',
    says: 'tests failed: expected at most 0, got 1',
  },
  {
    name: 'fewer tests than there must be',
    given: tests(fakeRunner('Ran 2 tests in 0.001s')),
    code: 'build-refused',
    says: 'tests passed: expected at least 3, got 2',
  },
  {
    name: 'enough tests, had they not been skipped',
    given: tests(fakeRunner('Ran 3 tests in 0.001s').replace("'OK'", "'OK (skipped=3)'")),
    code: 'build-refused',
    says: 'tests passed: expected at least 3, got 0',
  },
  {
    name: 'tests that print no counts',
    given: tests('echo everything is fine\n'),
    code: 'build-refused',
    says: 'test counts: expected a summary of a known test runner, got none',
  },
  {
    name: 'tests that print their counts and then go on',
    given: tests(`${fakeRunner('Ran 3 tests in 0.001s').replace('exit 0\n', '')}echo and then >&2\n`),
    code: 'build-refused',
    says: 'test counts',
  },
  {
    name: 'tests that never end',
    given: committed((r) =>
      r.write('keyturn.yaml', KEYTURN_YAML.replace('20000', '300')).write('tests/run.sh', 'sleep 600 & sleep 600\n'),
    ),
    code: 'build-refused',
    says: 'got time limit',
  },
  {
    name: 'a test command that does not exist',
    given: yaml(KEYTURN_YAML.replace('[sh, tests/run.sh]', '[no-such-program]')),
    code: 'build-refused',
    says: 'not started: ENOENT',
  },
  {
    name: 'a version pattern that searches for years',
    given: committed((r) =>
      r
        .write(
          'keyturn.yaml',
          KEYTURN_YAML.replace('__version__ = "(.+)"', () => '^(a+)+$'),
        )
        .write('cutter/__init__.py', `${'a'.repeat(60)}!`),
    ),
    request: { version: '1' },
    code: 'build-refused',
    says: 'got pattern-too-slow',
  },
  {
    name: 'a version file that is not there',
    given: yaml(KEYTURN_YAML.replace('__init__.py', 'none.py')),
    request: { version: '1' },
    code: 'build-refused',
    says: 'got file-missing',
  },
];

describe('release build, on evidence', function () {
  this.timeout(30_000);
  refusesEach(ROWS, 16);

  it('refuses a secret without ever saying it', () =>
    inBuildPlace(async (repository, place) => {
      repository.write('a.py', SECRET).commit();
      const refusal = await refusalOf(place.build(repository.path));
      const told = JSON.stringify({ message: refusal.message, summary: refusal.summary, stack: refusal.stack });
      expect(told).not.to.include(SECRET.slice(9, 30));
    }));

  it('does not run anything of a source that holds a secret', () =>
    inBuildPlace(async (repository, place) => {
      const trace = join(place.path, 'ran');
      repository.write('a.py', SECRET).write('tests/run.sh', `touch ${trace}\n`).commit();
      await refusalOf(place.build(repository.path));
      expect(existsSync(trace)).to.equal(false);
    }));

  it('shows the output of failed tests to whoever has to mend them', () =>
    inBuildPlace(async (repository, place) => {
      repository.write('tests/run.sh', 'echo the disk is flat >&2\nexit 3\n').commit();
      const { summary } = await refusalOf(place.build(repository.path));
      const row = summary.checks.find(({ id }) => id === 'g1.source-tests');
      expect(row?.status).to.equal('FAIL');
      expect(row?.capsule?.lastOutput).to.include('the disk is flat');
    }));

  it('does not replace an older bundle by a failed build', () =>
    inBuildPlace(async (repository, place) => {
      repository.commit();
      const { ktrPath } = await place.build(repository.path);
      const before = readFileSync(ktrPath);
      repository.write('a.py', SECRET).commit();
      await refusalOf(place.build(repository.path));
      expect(readFileSync(ktrPath).equals(before)).to.equal(true);
      expect(place.left()).to.deep.equal(['out.ktr']);
    }));
});
