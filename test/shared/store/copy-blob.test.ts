import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../../shared/digest.ts';
import { copyBlob } from '../../../shared/store/copy-blob.ts';
import { codeOf } from '../../support/rejection-of.ts';

const SMALL = Buffer.from('0123456789');
const LARGE = Buffer.alloc(3 * 1024 * 1024, 'large');
const NEVER = new AbortController().signal;

describe('shared/store/copy-blob', () => {
  let root: string;
  let folder: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'keyturn-copy-'));
    folder = join(root, 'content');
    mkdirSync(folder);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  for (const [name, content] of Object.entries({ small: SMALL, large: LARGE })) {
    it(`copies a ${name} file that is the blob, into an inode and a mode of its own`, async () => {
      const from = join(root, 'from');
      writeFileSync(from, content);
      chmodSync(from, 0o4755);
      expect(await copyBlob(wanted(from, content), folder, NEVER)).to.equal('copied');
      const copy = join(folder, sha256(content));
      expect(readFileSync(copy).equals(content)).to.equal(true);
      expect(statSync(copy).mode & 0o7777).to.equal(0o600);
      expect(statSync(copy).ino).to.not.equal(statSync(from).ino);
      expect(readdirSync(folder)).to.deep.equal([sha256(content)]);
    });

    it(`passes over a ${name} file with one other byte, and leaves nothing of it`, async () => {
      const other = Buffer.from(content);
      other[other.length - 1] = (other.at(-1) as number) ^ 1;
      writeFileSync(join(root, 'from'), other);
      expect(await copyBlob(wanted(join(root, 'from'), content), folder, NEVER)).to.equal('other');
      expect(readdirSync(folder)).to.deep.equal([]);
    });

    it(`takes the place of what an interrupted copy of a ${name} file has left`, async () => {
      writeFileSync(join(root, 'from'), content);
      writeFileSync(join(folder, `${sha256(content)}.part`), 'torn');
      expect(await copyBlob(wanted(join(root, 'from'), content), folder, NEVER)).to.equal('copied');
      expect(readdirSync(folder)).to.deep.equal([sha256(content)]);
    });
  }

  const PASSED_OVER: Readonly<Record<string, (path: string) => void>> = {
    'nothing at all': () => {},
    'a folder': (path) => mkdirSync(path),
    'a link to the very blob': (path) => {
      writeFileSync(`${path}-target`, SMALL);
      symlinkSync(`${path}-target`, path);
    },
    'a pipe': (path) => execFileSync('mkfifo', [path]),
    'a file that is shorter': (path) => writeFileSync(path, SMALL.subarray(1)),
    'a file that is longer': (path) => writeFileSync(path, Buffer.concat([SMALL, SMALL])),
  };
  for (const [what, make] of Object.entries(PASSED_OVER)) {
    it(`passes over ${what}`, async () => {
      make(join(root, 'from'));
      expect(await copyBlob(wanted(join(root, 'from'), SMALL), folder, NEVER)).to.equal('other');
      expect(readdirSync(folder)).to.deep.equal([]);
    });
  }

  it('says so when the folder of blobs refuses', async () => {
    writeFileSync(join(root, 'from'), SMALL);
    expect(await codeOf(copyBlob(wanted(join(root, 'from'), SMALL), join(root, 'absent'), NEVER))).to.equal(
      'transient',
    );
  });
});

function wanted(from: string, content: Buffer) {
  return { from, sha256: sha256(content), size: content.length };
}
