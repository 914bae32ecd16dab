import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { type MetadataSource, memorySource } from '../../../shared/trust/source.ts';
import { refreshTrust, type TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { TufRepository } from '../../support/tuf-repository.ts';

function refresh(repository: TufRepository, source: MetadataSource, trusted?: TrustedMetadata) {
  const root = new Map([['root.json', repository.firstRoot]]);
  return refreshTrust({ trusted: trusted ?? root, source, targets: 'top-level', rules: 'keyturn' });
}

describe('shared/trust/tuf-refresh on disk', () => {
  const usual = process.env.TMPDIR;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-refresh-'));
    process.env.TMPDIR = folder;
  });
  afterEach(() => {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves nothing behind, whether it succeeds, fails or throws', async () => {
    const repository = new TufRepository();
    const seen: string[][] = [];
    const honest = memorySource(repository.files);
    const source: MetadataSource = {
      fetchMetadata: (name) => {
        seen.push(readdirSync(folder));
        return honest.fetchMetadata(name);
      },
    };
    await refresh(repository, source);
    expect(seen.map((names) => names.length)).to.deep.equal([1, 1, 1, 1]);
    expect(readdirSync(folder)).to.deep.equal([]);
    await refresh(repository, memorySource(new Map()));
    expect(readdirSync(folder)).to.deep.equal([]);
    const path = new Map([['../outside.json', Buffer.from('{}')]]);
    let thrown = '';
    await refresh(repository, honest, path).catch((error: Error) => (thrown = error.message));
    expect(thrown).to.include('is no file name');
    expect(readdirSync(folder)).to.deep.equal([]);
  });
});
