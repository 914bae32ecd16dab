import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { diagnosePrivacy, type ExpectedPrivacy } from '../../../../shared/service/doctor/private-path.ts';
import { skipAloud } from '../../../support/skip.ts';

const ROWS: readonly (readonly [
  ExpectedPrivacy['kind'],
  ExpectedPrivacy['whenReadable'],
  number,
  string | undefined,
])[] = [
  ['folder', 'warning', 0o700, undefined],
  ['folder', 'warning', 0o500, undefined],
  ['folder', 'warning', 0o755, 'warning'],
  ['folder', 'trouble', 0o750, 'trouble'],
  ['folder', 'warning', 0o770, 'trouble'],
  ['folder', 'warning', 0o702, 'trouble'],
  ['file', 'trouble', 0o600, undefined],
  ['file', 'trouble', 0o640, 'trouble'],
  ['file', 'warning', 0o604, 'warning'],
];

describe('diagnosePrivacy', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-private-'));
    writeFileSync(join(folder, 'a file'), '');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is tried with at least nine modes', () => expect(ROWS).to.have.length.of.at.least(9));
  for (const [kind, whenReadable, mode, level] of ROWS) {
    it(`finds ${level ?? 'nothing'} in a ${kind} of mode 0${mode.toString(8)} where reading is ${whenReadable}`, () => {
      const path = kind === 'folder' ? folder : join(folder, 'a file');
      chmodSync(path, mode);
      const found = diagnosePrivacy(path, { kind, whenReadable });
      chmodSync(folder, 0o700);
      expect(found.map((diagnosis) => diagnosis.level)).to.deep.equal(level === undefined ? [] : [level]);
      const wanted = kind === 'folder' ? `chmod 700 ${path}` : `chmod 600 '${path}'`;
      if (level !== undefined) expect(found[0]?.mend).to.equal(wanted);
    });
  }

  it('finds another owner', function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'only root can give a file away');
    chownSync(folder, 65534, 65534);
    const [found] = diagnosePrivacy(folder, { kind: 'folder', whenReadable: 'warning' });
    expect(found).to.deep.include({ level: 'trouble', mend: `chown -R 0 ${folder}` });
    expect(found?.statement).to.include('belongs to user 65534');
  });
});
