import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { type CommitTree, listCommit } from '../../../control-plane/build/commit-tree.ts';
import { openSourceCommit } from '../../../control-plane/build/repository.ts';
import { ScratchFolder } from '../../../shared/store/scratch-folder.ts';
import { GitRepository } from '../../support/git-repository.ts';

describe('commit tree', function () {
  this.timeout(20_000);
  let repository: GitRepository;
  let scratch: ScratchFolder;

  beforeEach(() => {
    repository = new GitRepository();
    scratch = new ScratchFolder('keyturn-commit-tree-test');
  });
  afterEach(() => {
    repository.remove();
    scratch.remove();
  });

  const list = async (): Promise<CommitTree> => {
    const source = await openSourceCommit({
      repository: repository.path,
      ref: 'HEAD',
      scratch,
      isOwnOutput: () => false,
    });
    return listCommit(source.objects, source.commit);
  };
  const pathsOf = async (): Promise<string[]> => (await list()).entries.map(({ path }) => path);
  /** What `git archive` packs, folders left out. */
  const archived = (): string[] => {
    const tar = repository.run(['archive', '--format=tar', 'HEAD']);
    const listing = spawnSync('tar', ['--quoting-style=literal', '-tf', '-'], {
      input: tar,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    return listing.stdout.split('\n').filter((path) => path !== '' && !path.endsWith('/'));
  };

  const attributes: readonly { name: string; text: string; deep?: string }[] = [
    { name: 'no attributes', text: '' },
    { name: 'a file', text: 'secret.txt export-ignore\n' },
    { name: 'a pattern', text: '*.md export-ignore\n' },
    { name: 'a folder without a slash', text: 'docs export-ignore\n' },
    { name: 'a folder with a slash', text: 'docs/ export-ignore\n' },
    { name: 'a folder by its rooted path', text: '/docs export-ignore\n' },
    { name: 'everything below a folder', text: 'docs/** export-ignore\n' },
    { name: 'a star below a folder', text: 'docs/* export-ignore\n' },
    { name: 'a pattern and an exception to it', text: '*.md export-ignore\nREADME.md -export-ignore\n' },
    {
      name: 'a folder and an exception inside of it, which comes too late',
      text: 'docs export-ignore\ndocs/guide.md -export-ignore\n',
    },
    { name: 'a value instead of a fact', text: '*.md export-ignore=false\n' },
    { name: 'a macro', text: '[attr]private export-ignore\n*.md private\n' },
    { name: 'attributes in a folder of their own', text: '', deep: 'guide.md export-ignore\n' },
    { name: 'a name of two bytes a letter', text: 'thư/* export-ignore\n' },
    { name: 'itself', text: '.gitattributes export-ignore\n' },
  ];

  for (const { name, text, deep } of attributes) {
    it(`is what git archive packs, with export-ignore on ${name}`, async () => {
      repository
        .write('README.md', 'read me')
        .write('secret.txt', 'x')
        .write('docs/guide.md', 'guide')
        .write('docs/deep/more.md', 'more')
        .write('src/docs/a.txt', 'a')
        .write('thư/điều.txt', 'b')
        .write('with "quote" and \\.txt', 'c')
        .write('bin/run', 'r', { mode: 0o755 })
        .link('link', 'README.md')
        .write('.gitattributes', text);
      if (deep !== undefined) repository.write('docs/.gitattributes', deep);
      repository.commit();
      expect((await pathsOf()).sort()).to.deep.equal(archived().sort());
    });
  }

  it('has fifteen ways to leave a file out', () => expect(attributes).to.have.length(15));

  it('takes what the commit says and not what a clone adds, so that all clones agree', async () => {
    repository.write('a.txt', 'a').write('b.txt', 'b').commit();
    repository.write('.git/info/attributes', 'b.txt export-ignore\n');
    expect(archived()).to.deep.equal(['a.txt']);
    expect(await pathsOf()).to.deep.equal(['a.txt', 'b.txt']);
  });

  it('does not follow a replacement, which other clones lack', async () => {
    const commit = repository.write('a.txt', 'a').commit();
    repository.write('b.txt', 'b').commit('another');
    repository.git('replace', commit, 'HEAD');
    const source = await openSourceCommit({
      repository: repository.path,
      ref: commit,
      scratch,
      isOwnOutput: () => true,
    });
    const { entries } = await listCommit(source.objects, source.commit);
    expect(entries.map(({ path }) => path)).to.deep.equal(['a.txt']);
  });

  it('keeps modes, links and sizes', async () => {
    repository.write('run', 'abc', { mode: 0o755 }).write('plain', 'abcd').link('to', 'run').commit();
    const { entries } = await list();
    expect(entries.map(({ path, kind, mode, size }) => [path, kind, mode, size])).to.deep.equal([
      ['plain', 'file', 0o644, 4],
      ['run', 'file', 0o755, 3],
      ['to', 'symlink', 0o644, 3],
    ]);
  });
});
