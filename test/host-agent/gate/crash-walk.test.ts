/** P4, P8: an agent that is killed at any boundary of enabling and killing comes back closed, or to an order that was wholly admitted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { openJournal } from '../../../host-agent/journal/journal.ts';
import { APP } from './gate-world.ts';

const CHILD = fileURLToPath(new URL('killed-keeper.ts', import.meta.url));
/** Three kills, two orders, one more kill; each has a boundary before, two in the transaction, and one or two behind it. */
const BOUNDARIES = 29;

interface Walked {
  readonly acknowledged: readonly string[];
  readonly isWhole: boolean;
}

function walk(folder: string, boundary: number): Walked {
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, [CHILD, folder, String(boundary)], {
    encoding: 'utf8',
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  const isWhole = lines.at(-1) === 'done';
  if (!isWhole) expect([signal, status], stderr).to.deep.equal(['SIGKILL', null]);
  return { acknowledged: lines.filter((line) => !line.startsWith('killed')), isWhole };
}

describe('an agent that is killed while its gate moves', function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-gate-crash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (let boundary = 1; boundary <= BOUNDARIES; boundary += 1) {
    it(`forgets no kill and half admits no order, at boundary ${boundary}`, () => {
      const { acknowledged, isWhole } = walk(folder, boundary);
      expect(isWhole, 'there is such a boundary').to.equal(false);
      const database = openJournal(folder);
      const state = new GateStore(database).read(APP);
      if (state.state === 'unknown') throw new Error(state.reason);
      const all = (query: string): string[] => database.prepare<[], string>(query).pluck().all().map(String);
      const reports = all('select cast(bytes as text) from outbox order by id');
      const nonces = all('select nonce from spent_nonces');
      database.close();
      const [kills, admitted] = [
        reports.filter((text) => text.includes('kill')),
        reports.filter((text) => text.startsWith('admitted')),
      ];
      expect(kills.length, 'as many kills reported as the epoch says').to.equal(state.epoch);
      expect(nonces.length, 'as many orders reported as nonces spent').to.equal(admitted.length);
      const told = acknowledged.filter((line) => line.startsWith('kill')).length;
      expect(state.epoch, 'no acknowledged kill is forgotten').to.be.at.least(told);
      if (state.state === 'open') {
        expect(nonces).to.include(state.order.nonce);
        expect(state.epoch).to.equal(3);
      }
    });
  }

  it('has no boundary that was not walked', () => {
    expect(walk(folder, BOUNDARIES + 1)).to.deep.equal({
      acknowledged: ['kill 1', 'kill 2', 'kill 3', 'enable one', 'enable two', 'kill 4', 'done'],
      isWhole: true,
    });
  });
});
