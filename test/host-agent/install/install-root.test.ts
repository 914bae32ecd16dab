/** What an installation meets below and around its install root, and what it leaves there: nothing, or what was staged. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { promote } from '../../../host-agent/install/promote.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { remove } from '../../../host-agent/install/remove.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { tidy } from '../../../host-agent/install/tidy.ts';
import { TransientError } from '../../../shared/errors.ts';
import { codeOf, errorOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture, snapshotOf } from '../../support/install-fixture.ts';
import { canMount, withReadOnly, withTmpfs } from '../../support/mounts.ts';
import { skipAloud } from '../../support/skip.ts';

describe('an installation', () => {
  let fixture: InstallFixture;
  let neighbourBefore: string[];
  beforeEach(() => {
    fixture = installFixture();
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

  describe('meets an install root that', () => {
    it('is a symbolic link: it is refused before anything is written', async () => {
      renameSync(fixture.root, join(fixture.folder, 'real'));
      symlinkSync(join(fixture.folder, 'real'), fixture.root);
      try {
        for (const step of [
          () => receive(fixture.context, { source: fixture.source }),
          () => promote(fixture.context),
        ]) {
          expect(await codeOf(step)).to.equal('install-root-not-a-folder');
        }
        expect(readdirSync(join(fixture.folder, 'real'))).to.deep.equal(['old']);
        expect(readlinkSync(fixture.root)).to.equal(join(fixture.folder, 'real'));
      } finally {
        rmSync(fixture.root);
        renameSync(join(fixture.folder, 'real'), fixture.root);
      }
    });

    it('is missing: it is not made', async () => {
      renameSync(fixture.root, join(fixture.folder, 'away'));
      try {
        expect(await codeOf(() => receive(fixture.context, { source: fixture.source }))).to.equal(
          'install-root-missing',
        );
        expect(readdirSync(join(fixture.folder, 'opt'))).to.deep.equal([]);
      } finally {
        renameSync(join(fixture.folder, 'away'), fixture.root);
      }
    });

    it('is open to everybody: it is refused', async () => {
      chmodSync(fixture.root, 0o777);
      expect(await codeOf(() => receive(fixture.context, { source: fixture.source }))).to.equal(
        'install-root-open-to-all',
      );
      expect(fixture.names()).to.deep.equal(['old']);
    });

    for (const [what, plant] of [
      ["a link to somebody's folder", (at: string) => symlinkSync(join(at, '..', 'old'), at)],
      ['a dangling link', (at: string) => symlinkSync('nowhere', at)],
      [
        "a folder of links to somebody's folders",
        (at: string) => {
          mkdirSync(at);
          chmodSync(at, 0o755);
          mkdirSync(join(at, '..', '..', 'precious', 'run-1'), { recursive: true });
          for (const name of ['staging', 'aside']) symlinkSync('../../precious', join(at, name));
        },
      ],
      [
        'a folder that others can write to',
        (at: string) => {
          mkdirSync(at);
          chmodSync(at, 0o777);
        },
      ],
    ] as const) {
      it(`has ${what} as .keyturn: it is refused, and stays`, async () => {
        plant(join(fixture.root, '.keyturn'));
        const before = snapshotOf(fixture.folder);
        expect(await codeOf(() => receive(fixture.context, { source: fixture.source }))).to.equal('folder-not-private');
        await remove(fixture.context);
        await tidy(fixture.context);
        expect(snapshotOf(fixture.folder)).to.deep.equal(before);
      });
    }
  });

  describe('meets a file system that', () => {
    beforeEach(function () {
      if (canMount()) return;
      skipAloud(this, 'mounting needs root');
    });

    it('is full while staging: it says so, and after tidying the root is as before', async () => {
      const before = fixture.snapshot();
      const small = installFixture();
      try {
        rmSync(join(small.root, 'old'), { recursive: true });
        await withTmpfs(small.root, 'size=512k,mode=755', async () => {
          const error = await errorOf(
            receive(small.context, { source: small.source }).then(() => stage(small.context)),
          );
          expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('free space');
          expect(small.names()).to.deep.equal(['.keyturn']);
          await tidy(small.context);
          expect(small.names()).to.deep.equal([]);
        });
      } finally {
        small.remove();
      }
      expect(fixture.snapshot()).to.deep.equal(before);
    });

    it('has no inode left while staging: it says so', async () => {
      const small = installFixture({ neighbours: 'none' });
      try {
        await withTmpfs(small.root, 'nr_inodes=14,mode=755', async () => {
          const error = await errorOf(
            receive(small.context, { source: small.source }).then(() => stage(small.context)),
          );
          expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('inodes');
          await tidy(small.context);
          expect(small.names()).to.deep.equal([]);
        });
      } finally {
        small.remove();
      }
    });

    it('is read-only: no step writes, each says what to do', async () => {
      const before = fixture.snapshot();
      await withReadOnly(fixture.root, async () => {
        const error = await errorOf(receive(fixture.context, { source: fixture.source }));
        expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('read-only');
      });
      expect(fixture.snapshot()).to.deep.equal(before);
    });

    it('turns read-only before promotion: staged stays staged, and is promoted later', async () => {
      await prepare();
      await withReadOnly(fixture.root, async () => {
        const error = await errorOf(promote(fixture.context));
        expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('read-only');
      });
      expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
      expect(await promote(fixture.context)).to.equal('promoted');
    });

    it('is another one below .keyturn: it is told before anything is fetched', async () => {
      mkdirSync(join(fixture.root, '.keyturn'), { mode: 0o700 });
      await withTmpfs(join(fixture.root, '.keyturn'), 'size=8m,mode=700', async () => {
        const error = await errorOf(receive(fixture.context, { source: fixture.source }));
        expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('unmount');
        expect(fixture.source.asked).to.deep.equal([]);
      });
      expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
    });

    it('comes between staging and promotion: nothing becomes visible', async () => {
      await prepare();
      const { staging } = fixture.context.places;
      await withTmpfs(join(staging, 'tree'), 'size=8m,mode=755', async () => {
        expect(await codeOf(() => promote(fixture.context))).to.equal('staged-tree-differs');
      });
      expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
      expect(readFileSync(join(staging, 'tree', 'lib', 'twin-a'), 'utf8')).to.equal('the same content\n');
    });
  });
});
