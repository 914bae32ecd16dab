import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { GitRepository } from '../../support/git-repository.ts';
import { committed, committedThen, type Refusal, refusesEach } from '../../support/refused-builds.ts';

const OBJECT = '1'.repeat(40);

const ROWS: readonly Refusal[] = [
  {
    name: 'a submodule',
    given: committedThen((r) => {
      r.stage('160000', OBJECT, 'vendor/lib').commitIndex();
      mkdirSync(join(r.path, 'vendor/lib'), { recursive: true });
    }),
    code: 'tree-has-submodule',
    says: '"vendor/lib"',
  },
  {
    name: 'a pointer to Git LFS',
    given: committed((r) =>
      r.write('model.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`),
    ),
    code: 'lfs-pointer',
    says: '"model.bin"',
  },
  {
    name: 'a keyword that export-subst would expand',
    given: committed((r) => r.write('.gitattributes', '*.py export-subst\n').write('v.py', '$Format:%H$')),
    code: 'export-subst-unsupported',
    says: '"v.py"',
  },
  {
    name: 'a name that is not UTF-8',
    given: (r) => staged(r, Buffer.from([0x61, 0xff, 0x62])),
    code: 'path-not-unicode',
    says: 'not UTF-8',
  },
  {
    name: 'two names that a file system folds to one',
    given: (r) => staged(r, 'cutter/CLI.py'),
    code: 'path-collision',
    says: 'CLI.py',
  },
  {
    name: 'a link out of the tree',
    given: committed((r) => r.link('out', '../../etc/passwd')),
    code: 'symlink-leaves-tree',
    says: '../../etc/passwd',
  },
  {
    name: 'a link to an absolute path',
    given: committed((r) => r.link('out', '/etc/passwd')),
    code: 'symlink-target-absolute',
    says: '/etc/passwd',
  },
  {
    name: 'a name with a line feed',
    given: (r) => staged(r, 'a\nb'),
    code: 'path-control-character',
    says: 'control character',
  },
  {
    name: 'the file that the agent writes itself',
    given: committed((r) => r.write('DEPLOY-MANIFEST.txt', 'x')),
    code: 'path-reserved',
    says: 'DEPLOY-MANIFEST.txt',
  },
  {
    name: 'a file larger than any release may have',
    given: hugeFile,
    code: 'file-too-large',
    says: '"huge.bin" has 17592186044416 bytes',
  },
  {
    name: 'a commit of which everything is left out',
    given: committed((r) => r.write('.gitattributes', '* export-ignore\n')),
    code: 'release-empty',
    says: 'no file',
  },
];

describe('release build, of a tree', function () {
  this.timeout(30_000);
  refusesEach(ROWS, 11);
});

/** Adds a path that this file system may not hold; bare from then on, as no working tree can have it. */
function staged(repository: GitRepository, path: string | Uint8Array): void {
  repository.commit();
  repository.stage('100644', repository.storeObject('x'), path).commitIndex();
  repository.git('config', 'core.bare', 'true');
}

/** An object whose header claims 16 TiB; git believes it until the content is read. */
function hugeFile(repository: GitRepository): void {
  repository.commit();
  const folder = join(repository.path, '.git', 'objects', OBJECT.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, OBJECT.slice(2)), deflateSync(Buffer.from('blob 17592186044416\0x')));
  repository.stage('100644', OBJECT, 'huge.bin');
  repository.commitIncomplete();
}
