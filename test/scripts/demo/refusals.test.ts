/** What the demo says of a repository that cannot be released, and what it leaves of that: nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildableRepository } from '../../support/build-repository.ts';
import type { GitRepository } from '../../support/git-repository.ts';

const DEMO = join(import.meta.dirname, '..', '..', '..', 'scripts', 'demo.ts');
const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`;

interface Row {
  readonly name: string;
  /** What is done to a repository that builds. Gives the arguments, where they are not the usual ones. */
  readonly given: (repository: GitRepository, temporary: string) => readonly string[] | undefined;
  readonly exit: number;
  readonly says: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: 'a folder that is not there',
    given: () => ['--repo', '/nowhere', '--ref', 'v1'],
    exit: 77,
    says: ['repository-not-found', '"/nowhere"', 'hint:'],
  },
  {
    name: 'a ref that is not there',
    given: (repository) => {
      repository.commit();
      return ['--repo', repository.path, '--ref', 'v77'];
    },
    exit: 77,
    says: ['ref-not-found', '"v77"', 'hint:'],
  },
  {
    name: 'a repository without keyturn.yaml',
    given: (repository) => {
      rmSync(join(repository.path, 'keyturn.yaml'));
      repository.commit();
      return undefined;
    },
    exit: 77,
    says: ['keyturn-yaml-missing', '--config'],
  },
  {
    name: 'a --config that is not there',
    given: (repository) => {
      rmSync(join(repository.path, 'keyturn.yaml'));
      repository.commit();
      return ['--repo', repository.path, '--ref', 'HEAD', '--config', '/nowhere.yaml'];
    },
    exit: 77,
    says: ['"/nowhere.yaml"', 'hint:'],
  },
  {
    name: 'a keyturn.yaml of another shape',
    given: (repository) => {
      repository.write('keyturn.yaml', 'name: 7\ngates: { G5: [{ exec: "rm -rf" }] }\n').commit();
      return undefined;
    },
    exit: 77,
    says: ['keyturn-yaml-malformed', 'name', 'install', 'gates.G5[0].exec'],
  },
  {
    name: 'a submodule',
    given: (repository) => {
      repository.write('vendor/lib/README', 'a module').git('add', '--all');
      repository.stage('160000', 'a'.repeat(40), 'vendor/module').commitIndex();
      return undefined;
    },
    exit: 77,
    says: ['tree-has-submodule', '"vendor/module"'],
  },
  {
    name: 'a history that is cut off',
    given: (repository, temporary) => {
      repository.commit();
      repository.write('a', 'b').commit();
      repository.git('clone', '--quiet', '--depth', '1', `file://${repository.path}`, join(temporary, 'clone'));
      return ['--repo', join(temporary, 'clone'), '--ref', 'HEAD'];
    },
    exit: 77,
    says: ['repository-shallow', 'git fetch --unshallow'],
  },
  {
    name: 'a pointer to Git LFS, found by the build',
    given: (repository) => {
      repository.write('large.bin', LFS_POINTER).commit();
      return undefined;
    },
    exit: 77,
    says: ['lfs-pointer', '"large.bin"', '`keyturn release build` ended with exit 77'],
  },
  {
    name: 'a --repo without a --ref',
    given: (repository) => ['--repo', repository.path],
    exit: 64,
    says: ['--repo and --ref belong together', 'usage:'],
  },
  {
    name: 'a repository of one’s own on the database of the sample',
    given: (repository) => ['--repo', repository.path, '--ref', 'HEAD', '--sqlite'],
    exit: 64,
    says: ['--sqlite is about the sample', 'usage:'],
  },
];

describe('npm run demo with a repository that cannot be released', () => {
  it('has 10 rows', () => {
    expect(ROWS).to.have.length(10);
  });

  for (const { name, given, exit, says } of ROWS) {
    it(`refuses ${name}, says why, ends with one JSON object, and leaves nothing behind`, () => {
      const repository = buildableRepository();
      const place = mkdtempSync(join(tmpdir(), 'keyturn-demo-test-'));
      const temporary = join(place, 'clones');
      const scratch = mkdtempSync(join(place, 'scratch-'));
      try {
        const argv = given(repository, temporary) ?? ['--repo', repository.path, '--ref', 'HEAD'];
        const ended = spawnSync(process.execPath, [DEMO, ...argv, '--json'], {
          encoding: 'utf8',
          env: { ...process.env, TMPDIR: scratch },
        });
        for (const words of says) expect(ended.stderr).to.include(words);
        expect(ended.stderr).to.not.match(/^\s+at .*\.ts:/m);
        expect(ended.status).to.equal(exit);
        expect(ended.stdout.trimEnd().split('\n')).to.have.length(1);
        expect(JSON.parse(ended.stdout)).to.include({ verdict: null, executionEnabled: null, report: null });
        expect(readdirSync(scratch)).to.deep.equal([]);
      } finally {
        repository.remove();
        rmSync(place, { recursive: true, force: true });
      }
    });
  }

  it('says what is in the way when there is no place for its folders', () => {
    const repository = buildableRepository();
    const place = mkdtempSync(join(tmpdir(), 'keyturn-demo-test-'));
    try {
      repository.commit();
      // Nothing can be made below a file.
      writeFileSync(join(place, 'file'), '');
      const ended = spawnSync(process.execPath, [DEMO, '--repo', repository.path, '--ref', 'HEAD', '--json'], {
        encoding: 'utf8',
        env: { ...process.env, TMPDIR: join(place, 'file') },
      });
      expect(ended.status).to.equal(69);
      expect(ended.stderr).to.include(join(place, 'file'));
      expect(JSON.parse(ended.stdout)).to.include({ verdict: null });
    } finally {
      repository.remove();
      rmSync(place, { recursive: true, force: true });
    }
  });
});
