import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { diagnoseFreeSpace, readFreeSpace } from '../../../../shared/service/doctor/free-space.ts';

const MIB = 1024 * 1024;

const ROWS: readonly (readonly [string, number, number | undefined, string])[] = [
  ['plenty of both', 5000 * MIB, 1_000_000, 'ok'],
  ['no inodes that are counted', 5000 * MIB, undefined, 'ok'],
  ['less than a gibibyte', 1023 * MIB, 1_000_000, 'warning'],
  ['few inodes', 5000 * MIB, 9_999, 'warning'],
  ['less than 64 mebibytes', 63 * MIB, 1_000_000, 'trouble'],
  ['hardly an inode', 5000 * MIB, 255, 'trouble'],
];

describe('diagnoseFreeSpace', () => {
  it('is tried with at least six disks', () => expect(ROWS).to.have.length.of.at.least(6));
  for (const [title, bytes, inodes, level] of ROWS) {
    it(`gives ${level} for ${title}`, () => {
      expect(diagnoseFreeSpace('/data', { bytes, inodes }).level).to.equal(level);
    });
  }

  it('says what is free', () => {
    expect(diagnoseFreeSpace('/data', { bytes: 1.5 * MIB, inodes: 12 }).statement).to.equal(
      '/data: 1.5 MiB and 12 inodes free',
    );
    expect(diagnoseFreeSpace('/data', { bytes: 2048 * MIB, inodes: undefined }).statement).to.equal(
      '/data: 2.0 GiB free',
    );
  });

  it('reads a real file system, and says that a folder is not there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-space-'));
    try {
      expect((await readFreeSpace(folder)).bytes).to.be.above(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const error = await readFreeSpace(folder).then(undefined, (failure: unknown) => failure);
    expect(error).to.have.property('code', 'ENOENT');
  });
});
