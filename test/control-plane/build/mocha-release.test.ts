/** A small project of Node whose own tests are mocha's, as its release engineers would declare them. */
import { createRequire } from 'node:module';
import { expect } from 'chai';
import { BuildRefused } from '../../../control-plane/build/build-release.ts';
import { BuildPlace } from '../../support/build-repository.ts';
import { GitRepository } from '../../support/git-repository.ts';

const MOCHA = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
const TEST_COUNT = 2_500;

const KEYTURN_YAML = `name: counter
version: { file: package.json, pattern: '"version": "(.+)"' }
install: { root: /opt/counter }
tests:
  argv: ${JSON.stringify([process.execPath, MOCHA, '--reporter', 'json', 'test/*.test.js'])}
  expect: { tests: { min: ${TEST_COUNT + 1}, failed: 0 } }
  timeoutMs: 60000
`;

function project(): GitRepository {
  return new GitRepository()
    .write('keyturn.yaml', KEYTURN_YAML)
    .write('package.json', '{\n  "name": "counter",\n  "version": "1.2.0",\n  "type": "module"\n}\n')
    .write('counter.js', 'export const next = (count) => count + 1;\n')
    .write(
      'test/counter.test.js',
      `import assert from 'node:assert';
import { next } from '../counter.js';
console.log('{ the tests begin');
describe('a counter', () => {
  for (let count = 0; count < ${TEST_COUNT}; count += 1)
    it(\`goes on from \${count}\`, () => assert.equal(next(count), count + 1));
  it('says so', () => console.log(JSON.stringify({ stats: { failures: 0 } }, null, 2)));
  it('goes back');
});
`,
    );
}

describe('release build of a project that is tested with mocha', function () {
  this.timeout(60_000);
  let place: BuildPlace;
  let repository: GitRepository;
  beforeEach(() => {
    repository = project();
    place = new BuildPlace();
  });
  afterEach(() => {
    repository.remove();
    place.remove();
  });

  it('counts its tests from the JSON report, however long that is and whatever they print', async () => {
    repository.commit();
    repository.tag('1.2.0');
    const built = await place.build(repository.path, { ref: '1.2.0' });
    const tests = built.summary.checks.find(({ kind }) => kind === 'source-tests');
    expect(tests).to.have.property('status', 'PASS');
    expect(tests?.observation).to.have.deep.property('counts', {
      runner: 'mocha',
      ran: TEST_COUNT + 2,
      passed: TEST_COUNT + 1,
      failed: 0,
      errors: 0,
      skipped: 1,
    });
    expect(built.buildRecord.checks.map(({ check }) => check)).to.include('g1.source-tests');
  });

  it('is refused when one of them fails, and says how many', async () => {
    repository.write('counter.js', 'export const next = (count) => (count === 7 ? 7 : count + 1);\n').commit();
    repository.tag('1.2.0');
    const refused = await place.build(repository.path, { ref: '1.2.0' }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(BuildRefused);
    const tests = (refused as BuildRefused).summary.checks.find(({ kind }) => kind === 'source-tests');
    expect(tests).to.have.property('status', 'FAIL');
    expect(tests?.observation).to.have.nested.property('counts.failed', 1);
    expect(place.left()).to.deep.equal([]);
  });
});
