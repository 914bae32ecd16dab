import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { committedThen, inBuildPlace, type Refusal, refusalOf, refusesEach } from '../../support/refused-builds.ts';

const OBJECT = '1'.repeat(40);

const ROWS: readonly Refusal[] = [
  {
    name: 'a file that was changed and not committed',
    given: committedThen((r) => r.write('cutter/cli.py', 'changed')),
    code: 'tree-dirty',
    says: '"cutter/cli.py"',
  },
  {
    name: 'a change that was staged and not committed',
    given: committedThen((r) => r.write('new.py', 'x').git('add', 'new.py')),
    code: 'tree-dirty',
    says: '"new.py"',
  },
  {
    name: 'a file that git does not know',
    given: committedThen((r) => r.write('notes/a.txt', 'x')),
    code: 'tree-dirty',
    says: '"notes/a.txt"',
  },
  {
    name: 'a file that was removed',
    given: committedThen((r) => r.git('rm', '--quiet', '--cached', 'bin/cut')),
    code: 'tree-dirty',
    says: 'commit, stash or ignore them',
  },
  {
    name: 'twelve dirty files, of which it lists ten',
    given: committedThen((r) => Array.from({ length: 12 }, (_, i) => r.write(`dirt-${i}`, 'x'))),
    code: 'tree-dirty',
    says: 'and 2 more',
  },
  {
    name: 'a tag that does not exist',
    given: committedThen(() => undefined),
    request: { ref: 'v9' },
    code: 'ref-not-found',
    says: 'git fetch --tags',
  },
  {
    name: 'a commit that does not exist',
    given: committedThen(() => undefined),
    request: { ref: OBJECT },
    code: 'ref-not-found',
    says: OBJECT,
  },
  {
    name: 'a ref that is an option',
    given: committedThen(() => undefined),
    request: { ref: '--upload-pack=touch /tmp/owned' },
    code: 'ref-malformed',
    says: 'name a tag',
  },
  {
    name: 'a ref that is a range',
    given: committedThen(() => undefined),
    request: { ref: 'HEAD..main' },
    code: 'ref-malformed',
    says: 'HEAD..main',
  },
  {
    name: 'a ref that reaches into a tree',
    given: committedThen(() => undefined),
    request: { ref: 'HEAD:bin' },
    code: 'ref-malformed',
    says: 'HEAD:bin',
  },
  {
    name: 'an empty ref',
    given: committedThen(() => undefined),
    request: { ref: '' },
    code: 'ref-malformed',
    says: '""',
  },
  {
    name: 'a tag on a tree',
    given: committedThen((r) => r.git('tag', 'tree', 'HEAD^{tree}')),
    request: { ref: 'tree' },
    code: 'ref-is-no-commit',
    says: '"tree"',
  },
  {
    name: 'a repository without a commit',
    given: () => undefined,
    code: 'repository-without-commits',
    says: 'commit first',
  },
  {
    name: 'a commit whose content is not in the repository',
    given: committedThen((r) => {
      r.stage('100644', OBJECT, 'gone.txt');
      r.commitIncomplete();
    }),
    code: 'object-missing',
    says: 'partial clone',
  },
  {
    name: 'an output folder that is not there',
    given: committedThen(() => undefined),
    request: { out: '/no/such/folder/a.ktr' },
    code: 'output-folder-missing',
    says: '/no/such/folder',
  },
];

describe('release build, of a repository', function () {
  this.timeout(30_000);
  refusesEach(ROWS, 15);

  it('refuses a shallow clone, and leaves nothing behind', () =>
    inBuildPlace(async (repository, place) => {
      repository.commit('first');
      repository.write('more.txt', 'x').commit('second');
      const clone = join(repository.path, '.git', 'shallow-clone');
      repository.git('clone', '--quiet', '--depth=1', `file://${repository.path}`, clone);
      const refusal = await refusalOf(place.build(clone));
      expect(refusal).to.include({ code: 'repository-shallow', hint: 'git fetch --unshallow' });
      expect(place.left()).to.deep.equal([]);
    }));

  it('refuses a folder that is no repository', () =>
    inBuildPlace(async (_repository, place) => {
      expect(await refusalOf(place.build(place.path))).to.have.property('code', 'repository-not-found');
    }));

  it('does not start what a repository configures: hooks, monitors, filters', () =>
    inBuildPlace(async (repository, place) => {
      const trace = join(place.path, 'started');
      const program = join(repository.path, '.git', 'program');
      writeFileSync(program, `#!/bin/sh\ntouch ${trace}\ncat\n`, { mode: 0o755 });
      repository.write('.gitattributes', '*.py filter=evil diff=evil\n').commit();
      for (const key of [
        'core.fsmonitor',
        'filter.evil.clean',
        'filter.evil.smudge',
        'diff.evil.textconv',
        'diff.external',
        'core.pager',
        'core.sshCommand',
      ])
        repository.git('config', key, program);
      repository.git('config', 'core.hooksPath', join(repository.path, '.git'));
      // The stat of a file differs from the index, so that git has to look at its content.
      repository.write('cutter/cli.py', 'print("cut")\n');
      await place.build(repository.path);
      expect(existsSync(trace)).to.equal(false);
    }));
});
