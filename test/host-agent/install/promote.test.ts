import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { promote } from '../../../host-agent/install/promote.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { tidy } from '../../../host-agent/install/tidy.ts';
import { hashTree } from '../../../shared/store/tree-reader.ts';
import { codeOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture, snapshotOf } from '../../support/install-fixture.ts';

describe('host-agent/install/promote', () => {
  let fixture: InstallFixture;
  let target: string;
  let neighbourBefore: string[];
  beforeEach(() => {
    fixture = installFixture();
    target = fixture.context.places.installPath;
    neighbourBefore = snapshotOf(join(fixture.root, 'old'));
  });
  afterEach(() => {
    expect(snapshotOf(join(fixture.root, 'old'))).to.deep.equal(neighbourBefore);
    fixture.remove();
  });

  const prepare = async () => {
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
  };

  it('adds one path with exactly the signed tree, beside what was there', async () => {
    await prepare();
    expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
    expect(await promote(fixture.context)).to.equal('promoted');
    await tidy(fixture.context);
    expect(fixture.names()).to.deep.equal(['app-1.0', 'old']);
    const { digest } = await hashTree(target, { leaveOut: ['DEPLOY-MANIFEST.txt'] });
    expect(digest).to.equal(fixture.context.release.statement.treeDigest);
    expect(statSync(target).mode & 0o7777).to.equal(0o755);
    expect(statSync(join(target, 'DEPLOY-MANIFEST.txt')).mode & 0o7777).to.equal(0o644);
  });

  it('may be asked again, also after the staging folder is gone', async () => {
    await prepare();
    await promote(fixture.context);
    const before = fixture.snapshot();
    expect(await promote(fixture.context)).to.equal('promoted-before');
    expect((await stage(fixture.context)).digest).to.equal(fixture.context.release.statement.treeDigest);
    expect(fixture.snapshot()).to.deep.equal(before);
    await tidy(fixture.context);
    expect(await promote(fixture.context)).to.equal('promoted-before');
  });

  describe('replaces nothing', () => {
    const OCCUPANTS: Readonly<Record<string, () => void>> = {
      'a file': () => writeFileSync(target, 'mine'),
      'an empty folder': () => mkdirSync(target),
      'a folder with something in it': () => {
        mkdirSync(target);
        writeFileSync(join(target, 'mine'), 'mine');
      },
      'a link to a neighbour': () => symlinkSync('old', target),
      'a dangling link': () => symlinkSync('nowhere', target),
      'an installation of another run': () => {
        mkdirSync(target);
        const { treeDigest } = fixture.context.release.statement;
        writeFileSync(join(target, 'DEPLOY-MANIFEST.txt'), `# tree digest: ${treeDigest}\n# run: run-0\n`);
      },
    };
    for (const [what, occupy] of Object.entries(OCCUPANTS)) {
      it(`not ${what} that stands at the target`, async () => {
        await prepare();
        occupy();
        const before = { ino: lstatSync(target).ino, snapshot: fixture.snapshot() };
        expect(await codeOf(() => promote(fixture.context))).to.equal('target-present');
        expect(lstatSync(target).ino).to.equal(before.ino);
        expect(fixture.snapshot()).to.deep.equal(before.snapshot);
      });
    }
    it('of six kinds', () => expect(Object.keys(OCCUPANTS)).to.have.length(6));
  });

  it('does not take an installation for its own that only says so', async () => {
    await prepare();
    await promote(fixture.context);
    writeFileSync(join(target, 'big'), 'changed');
    expect(await codeOf(() => promote(fixture.context))).to.equal('installed-tree-differs');
    expect(await codeOf(() => stage(fixture.context))).to.equal('installed-tree-differs');
  });

  describe('makes nothing visible that was tampered with in staging', () => {
    const staged = () => join(fixture.context.places.staging, 'tree');
    const ATTACKS: Readonly<Record<string, { code: string; tamper: () => void }>> = {
      'a folder swapped for a link to the same content': {
        code: 'staged-tree-differs',
        tamper: () => {
          renameSync(join(staged(), 'lib'), join(fixture.folder, 'lib'));
          symlinkSync(join(fixture.folder, 'lib'), join(staged(), 'lib'));
        },
      },
      'the whole tree swapped for a link': {
        code: 'tree-is-no-folder',
        tamper: () => {
          renameSync(staged(), join(fixture.folder, 'tree'));
          symlinkSync(join(fixture.folder, 'tree'), staged());
        },
      },
      'the staging folder swapped for a link': {
        code: 'folder-not-private',
        tamper: () => {
          renameSync(fixture.context.places.staging, join(fixture.folder, 'staging'));
          symlinkSync(join(fixture.folder, 'staging'), fixture.context.places.staging);
        },
      },
      'the staging folder opened to others': {
        code: 'folder-not-private',
        tamper: () => chmodSync(fixture.context.places.staging, 0o777),
      },
      'one byte changed': {
        code: 'staged-tree-differs',
        tamper: () => writeFileSync(join(staged(), 'lib/twin-a'), 'The same content\n'),
      },
      'a file added': { code: 'staged-tree-differs', tamper: () => writeFileSync(join(staged(), 'lib/extra.py'), '') },
      'a file removed': { code: 'staged-tree-differs', tamper: () => rmSync(join(staged(), 'lib/empty')) },
      'a set-uid bit': { code: 'staged-tree-differs', tamper: () => chmodSync(join(staged(), 'bin/run'), 0o4755) },
    };
    for (const [what, { code, tamper }] of Object.entries(ATTACKS)) {
      it(`${what}: ${code}`, async () => {
        await prepare();
        tamper();
        expect(await codeOf(() => promote(fixture.context))).to.equal(code);
        expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
      });
    }
    it('in eight ways', () => expect(Object.keys(ATTACKS)).to.have.length(8));
  });
});
