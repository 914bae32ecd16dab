import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';

import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { manifestTreeDigest } from '../../../shared/release/manifest.ts';
import { hashFile, hashTree, readTree } from '../../../shared/store/tree-reader.ts';
import { errorOf } from '../../support/errors-of.ts';
import { CONTENT, manifestOf } from '../../support/install-fixture.ts';

describe('shared/store/tree-reader', () => {
  let folder: string;
  let tree: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-tree-reader-'));
    tree = join(folder, 'tree');
    writeContent(tree);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('finds the same digest on disk as in the manifest', async () => {
    const { manifest } = manifestOf(CONTENT);
    const reading = await hashTree(tree);
    expect(reading.digest).to.equal(manifestTreeDigest(manifest));
    expect(reading.fileCount).to.equal(7);
    expect(reading.bytes).to.equal(Object.values(CONTENT).reduce((sum, what) => sum + bytesOf(what), 0));
  });

  const CHANGES: Readonly<Record<string, (tree: string) => void>> = {
    'an added file': (at) => writeFileSync(join(at, 'added'), ''),
    'an added empty folder': (at) => mkdirSync(join(at, 'added')),
    'an added dangling link': (at) => symlinkSync('nowhere', join(at, 'added')),
    'a missing file': (at) => rmSync(join(at, 'big')),
    'one changed byte of the same length, times put back': (at) => {
      writeFileSync(join(at, 'big'), 'y'.repeat(700_000));
      utimesSync(join(at, 'big'), 1, 1);
    },
    'one byte more': (at) => appendFileSync(join(at, 'lib/empty'), 'x'),
    'a file made executable': (at) => chmodSync(join(at, 'big'), 0o755),
    'a set-uid bit': (at) => chmodSync(join(at, 'bin/run'), 0o4755),
    'a folder made writable to all': (at) => chmodSync(join(at, 'lib'), 0o777),
    'a link that points elsewhere': (at) => {
      rmSync(join(at, 'bin/current'));
      symlinkSync('other', join(at, 'bin/current'));
    },
    'a file replaced by a link to the same content': (at) => {
      renameSync(join(at, 'lib/twin-a'), join(at, '..', 'twin'));
      symlinkSync('../../twin', join(at, 'lib/twin-a'));
    },
    'a folder replaced by a link to the same content': (at) => {
      renameSync(join(at, 'lib'), join(at, '..', 'lib'));
      symlinkSync('../lib', join(at, 'lib'));
    },
    'a renamed file': (at) => renameSync(join(at, 'big'), join(at, 'bigger')),
    'two files exchanged': (at) => {
      renameSync(join(at, 'big'), join(at, 'aside'));
      renameSync(join(at, 'lib/empty'), join(at, 'big'));
      renameSync(join(at, 'aside'), join(at, 'lib/empty'));
    },
  };
  for (const [change, make] of Object.entries(CHANGES)) {
    it(`notices ${change}`, async () => {
      const before = await hashTree(tree);
      make(tree);
      expect((await hashTree(tree)).digest).to.not.equal(before.digest);
    });
  }

  it('leaves out names directly below the root only', async () => {
    const before = await hashTree(tree);
    writeFileSync(join(tree, 'left-out'), 'x');
    expect((await hashTree(tree, { leaveOut: ['left-out'] })).digest).to.equal(before.digest);
    writeFileSync(join(tree, 'lib', 'left-out'), 'x');
    expect((await hashTree(tree, { leaveOut: ['left-out'] })).digest).to.not.equal(before.digest);
  });

  it('keeps the bytes of names that are no UTF-8, and tells two of them apart', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x61, 0xff])]), '');
    const first = await hashTree(tree);
    renameSync(
      Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x61, 0xff])]),
      Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x61, 0xfe])]),
    );
    expect((await hashTree(tree)).digest).to.not.equal(first.digest);
    const names = (await readTree(tree)).map(({ path }) => path).filter((path) => typeof path !== 'string');
    expect(names.map((name) => [...Buffer.from(name)])).to.deep.equal([[0x61, 0xfe]]);
  });

  it('describes pipes and sockets without opening them', async () => {
    execFileSync('mkfifo', [join(tree, 'pipe')]);
    const server = createServer().listen(join(tree, 'socket'));
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const special = (await readTree(tree)).flatMap((entry) =>
        entry.kind === 'special' ? [`${entry.path} ${entry.what.split(' ')[0]}`] : [],
      );
      expect(special.sort()).to.deep.equal(['pipe pipe', 'socket socket']);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('refuses a root that is a link or a file, and fails on a missing one', async () => {
    symlinkSync(tree, join(folder, 'link'));
    expect(await errorOf(readTree(join(folder, 'link')))).to.include({ code: 'tree-is-no-folder' });
    expect(await errorOf(readTree(join(tree, 'big')))).to.be.instanceOf(RejectedError);
    expect(await errorOf(readTree(join(folder, 'missing')))).to.be.instanceOf(TransientError);
  });

  it('fails when a file grows while it is read', async () => {
    const path = join(tree, 'huge');
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024));
    const hashing = errorOf(hashFile(path));
    appendFileSync(path, 'more');
    expect(await hashing)
      .to.be.instanceOf(TransientError)
      .with.property('message')
      .that.contains('changed while it was read');
  });

  it('fails when an entry is added to a folder while it is read', async () => {
    writeFileSync(join(tree, 'lib', 'huge'), Buffer.alloc(64 * 1024 * 1024));
    const reading = errorOf(readTree(tree));
    // The reader's first pause is within the huge file; this turn of the loop comes before the reader's next one.
    await setImmediate();
    writeFileSync(join(tree, 'lib', 'zz-late'), '');
    expect(await reading)
      .to.be.instanceOf(TransientError)
      .with.property('message')
      .that.contains('changed while it was read');
  });

  it('stops when it is told to, between two pieces', async () => {
    writeFileSync(join(tree, 'huge'), Buffer.alloc(64 * 1024 * 1024));
    const stop = new AbortController();
    const reading = errorOf(readTree(tree, { signal: stop.signal }));
    stop.abort(new Error('killed'));
    expect(await reading).to.have.property('message', 'killed');
  });

  it('hashes a file, and neither a link nor a pipe', async () => {
    expect(await hashFile(join(tree, 'lib/empty'))).to.equal(sha256(''));
    symlinkSync('big', join(tree, 'to-big'));
    execFileSync('mkfifo', [join(tree, 'pipe')]);
    expect(await errorOf(hashFile(join(tree, 'to-big')))).to.be.instanceOf(TransientError);
    expect(await errorOf(hashFile(join(tree, 'pipe')))).to.be.instanceOf(TransientError);
  });

  function writeContent(at: string): void {
    for (const [path, what] of Object.entries(CONTENT)) {
      mkdirSync(join(at, path, '..'), { recursive: true });
      if (Array.isArray(what)) symlinkSync(what[0], join(at, path));
      else writeFileSync(join(at, path), textOf(what));
      if (!Array.isArray(what)) chmodSync(join(at, path), typeof what === 'string' ? 0o644 : 0o755);
    }
    for (const path of ['bin', 'lib', 'lib/deep', 'lib/deep/er']) chmodSync(join(at, path), 0o755);
  }
});

function textOf(what: unknown): string {
  return typeof what === 'string' ? what : (what as { text: string }).text;
}

function bytesOf(what: unknown): number {
  return Array.isArray(what) ? 0 : Buffer.byteLength(textOf(what));
}
