import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

import { loadTrusted, openTrustDatabase } from '../../../host-agent/trust/metadata-store.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';

const CHILD = fileURLToPath(new URL('adoption-child.ts', import.meta.url));
const ROUND_COUNT = 12;

/** Kills the child as soon as it says that it begins to adopt the version; gives the last version that it began. */
async function killWhileAdopting(child: ChildProcess, version: number): Promise<number> {
  let begun = 0;
  if (child.stdout === null) throw new Error('expected a pipe');
  for await (const line of createInterface({ input: child.stdout })) {
    begun = Number(line);
    if (begun === version) child.kill('SIGKILL');
  }
  return begun;
}

describe('host-agent/trust after a crash (P8)', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-trust-crash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('killed in the middle of an adoption, it comes back to the old set or the new one, never to a mixture', async () => {
    const database = join(folder, 'trust.sqlite');
    let survived = 0;
    for (let round = 1; round <= ROUND_COUNT; round++) {
      const child = spawn(process.execPath, [CHILD, database], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      const begun = await killWhileAdopting(child, survived + 2);
      expect(await ended).to.deep.equal([null, 'SIGKILL']);
      const versions = storedVersions(database);
      expect(versions, `round ${round}`).to.have.length(6);
      expect(new Set(versions).size, `round ${round}: one version for all`).to.equal(1);
      expect(versions[0], `round ${round}: nothing that was finished is lost`).to.be.oneOf([begun - 1, begun]);
      survived = versions[0] ?? 0;
    }
    expect(survived).to.be.at.least(ROUND_COUNT);
  });

  function storedVersions(database: string): number[] {
    const db = openTrustDatabase(database);
    try {
      expect(db.pragma('integrity_check', { simple: true })).to.equal('ok');
      return [...loadTrusted(db).values()].map(versionOf);
    } finally {
      db.close();
    }
  }
});
