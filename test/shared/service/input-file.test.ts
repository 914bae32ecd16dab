import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { UsageError } from '../../../shared/service/failure.ts';
import { readInputFile } from '../../../shared/service/input-file.ts';

describe('a file that the command line names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-input-'));
  const file = join(folder, 'file');
  writeFileSync(file, 'content');
  after(() => rmSync(folder, { recursive: true }));

  it('is read', () => expect(readInputFile(file, 'policy').toString()).to.equal('content'));

  for (const [name, path, says] of [
    ['is not there', join(folder, 'none'), 'there is no such file'],
    ['is below a file', join(file, 'x'), 'there is no such file'],
    ['is a folder', folder, 'expected a file, got a folder'],
    ['is a device', '/dev/null', 'expected a file, got a folder or a device'],
  ] as const) {
    it(`is quoted with what it was named as when it ${name}`, () => {
      expect(() => readInputFile(path, 'policy')).to.throw(UsageError, `policy "${path}": ${says}`);
    });
  }
});
