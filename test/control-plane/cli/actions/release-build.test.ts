/** `keyturn release build`: what it prints, and what it says about what it refuses. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildableRepository, fakeRunner } from '../../../support/build-repository.ts';
import { CommandWorld, documentOf, failureOf, filesBelow } from '../../../support/command-line.ts';
import type { GitRepository } from '../../../support/git-repository.ts';

describe('keyturn release build', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let repository: GitRepository;
  beforeEach(() => {
    world = new CommandWorld();
    repository = buildableRepository();
  });
  afterEach(async () => {
    repository.remove();
    await world[Symbol.asyncDispose]();
  });

  const argv = (...options: string[]) => [
    ...['release', 'build', '--repo', repository.path, '--ref', 'HEAD', '--release-version', '0.6'],
    ...['--out', world.at('out.ktr'), ...options],
  ];

  it('prints gates, digests and the bundle; in one document with --json; the steps on stderr', async () => {
    repository.commit();
    const text = await world.keyturn(...argv());
    expect(text.exitCode, text.stderr).to.equal(0);
    expect(text.stdout)
      .to.match(/^cutter@0\.6 from [0-9a-f]{7}$/m)
      .and.include(world.at('out.ktr'));
    for (const gate of ['G0', 'G1', 'G2']) expect(text.stdout).to.match(new RegExp(`^ {2}${gate} {2}PASS$`, 'm'));
    expect(text.stderr).to.include('G1 g1.source-tests').and.not.include('\u001b');
    const json = await world.json(...argv());
    expect(json.stderr).to.equal('');
    expect(Object.keys(documentOf(json))).to.deep.equal(['bundle', 'statement', 'gates']);
    expect(existsSync(world.at('out.ktr'))).to.equal(true);
  });

  it('needs neither a home nor a ceremony', async () => {
    repository.commit();
    expect((await world.keyturn(...argv())).exitCode).to.equal(0);
    expect(existsSync(world.home.folder)).to.equal(false);
  });

  it('shows the end of what failing tests printed, and what was expected of them', async () => {
    const output = `echo 'AssertionError: 3 != 4'; ${fakeRunner('Ran 3 tests in 0.001s\nFAILED (failures=1)', 1)}`;
    repository.write('tests/run.sh', output).commit();
    const ended = await world.keyturn(...argv());
    expect(ended.exitCode).to.equal(77);
    expect(ended.stdout).to.equal('');
    expect(ended.stderr).to.include('  | AssertionError: 3 != 4').and.include('[build-refused]');
    expect(ended.stderr)
      .to.match(/g1\.source-tests: .*: expected exit 0, got exit 1/)
      .and.include('ended: exit 1');
    // What to do stands last, where it is read.
    expect(ended.stderr.trimEnd().split('\n').at(-1)).to.match(/^hint: nothing was written/);
    const json = await world.json(...argv());
    expect(failureOf(json).code).to.equal('build-refused');
    expect(filesBelow(world.folder)).to.deep.equal([]);
  });

  it('names the rule and the place of a secret, never the secret', async () => {
    const secret = ['xoxb', '123456789012', '1234567890123', 'AbCdEfGhIjKlMnOpQrStUvWx'].join('-');
    repository.write('cutter/settings.py', `# first line\nTOKEN = "${secret}"\n`).commit();
    const ended = await world.keyturn(...argv());
    expect(ended.exitCode).to.equal(77);
    expect(ended.stderr).to.include('cutter/settings.py').and.not.include(secret);
  });

  const REFUSED: readonly { name: string; given: () => string[]; code: string; says: string }[] = [
    {
      name: 'a folder that is not there',
      given: () => ['--repo', join(world.folder, 'nowhere')],
      code: 'repository-not-found',
      says: 'there is no such folder',
    },
    {
      name: 'a folder that is no repository',
      given: () => ['--repo', world.folder],
      code: 'repository-not-found',
      says: 'not a git repository',
    },
    { name: 'a tag that is not there', given: () => ['--ref', 'v9'], code: 'ref-not-found', says: '"v9"' },
    {
      name: 'a working tree that differs',
      given: () => {
        repository.write('cutter/cli.py', 'print("other")\n');
        return [];
      },
      code: 'tree-dirty',
      says: '"cutter/cli.py"',
    },
  ];
  it('has four rows', () => expect(REFUSED).to.have.length(4));
  for (const { name, given, code, says } of REFUSED) {
    it(`refuses ${name}, and says so`, async () => {
      repository.commit();
      const ended = await world.json(...argv(...given()));
      expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, code]);
      expect(failureOf(ended).message).to.include(says);
      expect(failureOf(ended).hint).to.be.a('string');
      expect(filesBelow(world.folder)).to.deep.equal([]);
    });
  }
});
