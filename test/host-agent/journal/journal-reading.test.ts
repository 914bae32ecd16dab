/** Reading the journal from outside leaves the state folder as it was, byte for byte, whoever reads and whoever runs. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createJournal, openJournal } from '../../../host-agent/journal/journal.ts';
import { openJournalToRead } from '../../../host-agent/journal/journal-reading.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { asNobody, NOBODY } from '../../support/nobody.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { skipAloud } from '../../support/skip.ts';

const ROWS = 40;
const COUNT = 'select count(*) from directives';

describe('reading the journal from outside', () => {
  let folder: string;
  let state: string;
  let scratchFolder: string | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-journal-reading-'));
    state = join(folder, 'state');
    // Where copies are made, so that a forgotten one is seen.
    scratchFolder = process.env.TMPDIR;
    process.env.TMPDIR = join(folder, 'tmp');
    mkdirSync(process.env.TMPDIR);
    const database = createJournal(state);
    const insert = database.prepare('insert into directives (seq, bytes) values (?, ?)');
    for (let seq = 1; seq <= ROWS; seq += 1) insert.run(seq, Buffer.alloc(1000, seq));
    database.close();
  });
  afterEach(() => {
    if (scratchFolder === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = scratchFolder;
    rmSync(folder, { recursive: true, force: true });
  });

  async function count(): Promise<unknown> {
    const journal = await openJournalToRead(state);
    try {
      return journal.database.prepare(COUNT).pluck().get();
    } finally {
      journal.close();
    }
  }
  const copies = () => readdirSync(join(folder, 'tmp'));

  it('makes no file beside a journal that nobody has open, and leaves no copy', async () => {
    const before = contentOf(state);
    expect(Object.keys(before)).to.deep.equal(['journal.sqlite']);
    expect(await count()).to.equal(ROWS);
    expect([contentOf(state), copies()]).to.deep.equal([before, []]);
  });

  it('reads in place, and the newest, while an agent has it open', async () => {
    const agent = openJournal(state);
    agent.exec('delete from directives where seq = 1');
    expect(await count()).to.equal(ROWS - 1);
    expect(Object.keys(contentOf(state))).to.deep.equal(['journal.sqlite', 'journal.sqlite-shm', 'journal.sqlite-wal']);
    agent.close();
    expect(Object.keys(contentOf(state))).to.deep.equal(['journal.sqlite']);
  });

  it('reads what was committed and is not in the main file yet, after an agent that was killed', async () => {
    const dying = openJournal(state);
    dying.exec('delete from directives where seq <= 2');
    const killed = join(folder, 'killed');
    mkdirSync(killed);
    for (const name of ['journal.sqlite', 'journal.sqlite-wal']) copyFileSync(join(state, name), join(killed, name));
    dying.close();
    rmSync(state, { recursive: true });
    state = killed;
    const before = contentOf(state);
    expect(await count()).to.equal(ROWS - 2);
    expect([contentOf(state), copies()]).to.deep.equal([before, []]);
    const again = openJournal(state);
    expect(again.prepare(COUNT).pluck().get()).to.equal(ROWS - 2);
    again.close();
  });

  it('changes nothing, wherever it reads', async () => {
    const journal = await openJournalToRead(state);
    expect(() => journal.database.exec('delete from directives')).to.throw('readonly');
    journal.close();
    expect(await count()).to.equal(ROWS);
  });

  it('copies none that is larger than it may, and none of another folder', async () => {
    const maxBytes = 4096;
    expect(await codeOf(openJournalToRead(state, { maxBytes }))).to.equal('transient');
    const agent = openJournal(state);
    const inUse = await openJournalToRead(state, { maxBytes });
    expect(inUse.database.prepare(COUNT).pluck().get()).to.equal(ROWS);
    inUse.close();
    agent.close();
    expect(await codeOf(openJournalToRead(join(folder, 'none')))).to.equal('journal-missing');
    expect([existsSync(join(folder, 'none')), copies()]).to.deep.equal([false, []]);
  });

  for (const [title, damage] of Object.entries({
    'that is no database': (path: string) => writeFileSync(path, 'x'.repeat(8192)),
    'of another version': (path: string) => {
      const bytes = readFileSync(path);
      bytes.writeUInt32BE(99, 60);
      writeFileSync(path, bytes);
    },
  })) {
    it(`refuses one ${title} by the name of its own folder, and leaves no copy`, async () => {
      damage(join(state, 'journal.sqlite'));
      const before = contentOf(state);
      const refusal = await openJournalToRead(state).catch((error: unknown) => error);
      expect(refusal).to.be.instanceOf(RejectedError);
      expect((refusal as RejectedError).message).to.not.include(join(folder, 'tmp'));
      expect([contentOf(state), copies()]).to.deep.equal([before, []]);
    });
  }

  it('by root keeps no agent of another user out', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'only root reads the files of others');
    for (const path of [folder, state, join(state, 'journal.sqlite')]) chownSync(path, NOBODY, NOBODY);
    chmodSync(folder, 0o700);
    expect(await count()).to.equal(ROWS);
    const journal = fileURLToPath(import.meta.resolve('../../../host-agent/journal/journal.ts'));
    const script = `
      import { openJournal } from ${JSON.stringify(journal)};
      const database = openJournal(${JSON.stringify(state)});
      database.exec('delete from directives where seq = 1');
      process.stdout.write(String(database.prepare('${COUNT}').pluck().get()));
      database.close();
    `;
    const [program, ...argv] = asNobody([process.execPath, '--input-type=module', '--eval', script]);
    const ended = spawnSync(program, argv, { encoding: 'utf8', cwd: '/' });
    expect([ended.status, ended.stdout], ended.stderr).to.deep.equal([0, String(ROWS - 1)]);
  });
});

function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, name.endsWith('-shm') ? '' : sha256(readFileSync(join(folder, name)))]),
  );
}
