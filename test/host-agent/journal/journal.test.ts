/** P3, P8: a journal that is damaged, cut off, of another version or out of reach is told and left as it is. */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { lookAtGate } from '../../../host-agent/gate/read-gates.ts';
import { createJournal, openJournal, openJournalInPlace } from '../../../host-agent/journal/journal.ts';
import { explainJournalError } from '../../../host-agent/journal/journal-error.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { canMount, withReadOnly, withTmpfs } from '../../support/mounts.ts';
import { skipAloud } from '../../support/skip.ts';

interface DamageRow {
  /** What becomes of the file of a journal that was closed. */
  readonly damage: (path: string) => void;
  readonly code: string;
}

const DAMAGES: Record<string, DamageRow> = {
  'is gone': { damage: (path) => rmSync(path), code: 'journal-missing' },
  'is empty': { damage: (path) => truncateSync(path, 0), code: 'journal-missing' },
  'is cut off in its first page': { damage: (path) => truncateSync(path, 300), code: 'journal-corrupt' },
  'is cut off in the middle of a page': { damage: (path) => truncateSync(path, 10_000), code: 'journal-corrupt' },
  'is cut off between two pages': { damage: (path) => truncateSync(path, 4 * 4096), code: 'journal-corrupt' },
  'is no database': { damage: (path) => writeFileSync(path, 'lost+found '.repeat(1000)), code: 'journal-corrupt' },
  'has a page of zeros': { damage: (path) => overwrite(path, { at: 2 * 4096, length: 4096 }), code: 'journal-corrupt' },
  'has lost its header': { damage: (path) => overwrite(path, { at: 0, length: 16 }), code: 'journal-corrupt' },
  'is of a later version': {
    damage: (path) => change(path, 'pragma user_version = 5'),
    code: 'journal-version-unknown',
  },
  'is of a version of before': {
    damage: (path) => change(path, 'pragma user_version = 0'),
    code: 'journal-version-unknown',
  },
  "is another program's database": {
    damage: (path) => change(path, 'pragma application_id = 7'),
    code: 'journal-version-unknown',
  },
};

describe('the journal', () => {
  let folder: string;
  let state: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-journal-'));
    state = join(folder, 'state');
    path = join(state, 'journal.sqlite');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** With enough in it to have several pages. */
  function filled(): void {
    const database = createJournal(state);
    const insert = database.prepare('insert into directives (seq, bytes) values (?, ?)');
    for (let seq = 1; seq <= 40; seq += 1) insert.run(seq, Buffer.alloc(1000, seq));
    database.close();
  }

  it('is made private, durable in every transaction, and opened again as it was', () => {
    filled();
    const database = openJournal(state);
    expect(database.pragma('journal_mode', { simple: true })).to.equal('wal');
    expect(database.pragma('synchronous', { simple: true })).to.equal(2);
    expect(database.pragma('foreign_keys', { simple: true })).to.equal(1);
    expect(database.prepare('select count(*) from directives').pluck().get()).to.equal(40);
    database.close();
  });

  it('is not made by whoever only opens it, nor is its folder', () => {
    for (const open of [openJournal, openJournalInPlace]) {
      expect(failureOf(() => open(state))).to.deep.include({ code: 'journal-missing' });
      expect(existsSync(state)).to.equal(false);
    }
  });

  it('keeps what it holds when a host is enrolled again', () => {
    filled();
    const database = createJournal(state);
    expect(database.prepare('select count(*) from directives').pluck().get()).to.equal(40);
    database.close();
  });

  for (const [how, open] of Object.entries({ 'by the agent': openJournal, 'by an enrolment': createJournal })) {
    it(`of the version before is brought up to date when it is opened ${how}, with all that it holds`, () => {
      filled();
      change(
        path,
        'drop table gate_states; drop table spent_nonces; drop table log_checkpoints; drop table gate_offers; drop table live_runs; ' +
          'drop table host_kills; drop table obeyed_kill_files; ' +
          'create table execution_gates (app text primary key, epoch integer not null, reason text not null) strict; pragma user_version = 1',
      );
      const reading = openJournalInPlace(state);
      expect(reading.prepare('select count(*) from directives').pluck().get()).to.equal(40);
      reading.close();
      const database = open(state);
      expect(database.pragma('user_version', { simple: true })).to.equal(4);
      for (const table of ['gate_states', 'spent_nonces', 'log_checkpoints', 'host_kills', 'obeyed_kill_files']) {
        expect(database.prepare(`select count(*) from ${table}`).pluck().get()).to.equal(0);
      }
      expect(database.prepare('select count(*) from directives').pluck().get()).to.equal(40);
      database.close();
      open(state).close();
    });
  }

  it('P8: is whole again after an enrolment that a crash cut short', () => {
    mkdirSync(state);
    const database = new Database(path);
    database.pragma('journal_mode = WAL');
    database.close();
    createJournal(state).close();
    openJournal(state).close();
  });

  it('P8: is what was committed after a process that ended in the middle of a transaction', () => {
    filled();
    const dying = openJournal(state);
    dying.exec('begin; delete from directives');
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const name of readdirSync(state))
      if (!name.endsWith('-shm')) copyFileSync(join(state, name), join(copy, name));
    dying.close();
    const database = openJournal(copy);
    expect(database.prepare('select count(*) from directives').pluck().get()).to.equal(40);
    database.close();
  });

  it('is damaged in at least eleven ways', () => {
    expect(Object.keys(DAMAGES).length).to.be.at.least(11);
  });

  for (const [title, { damage, code }] of Object.entries(DAMAGES)) {
    it(`P3: that ${title} is refused (${code}), and not a byte of it is changed`, () => {
      filled();
      damage(path);
      const before = contentOf(state);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const failure = failureOf(() => openJournal(state));
        expect(failure).to.be.instanceOf(RejectedError);
        expect(failure).to.deep.include({ code });
        expect((failure as RejectedError).hint).to.be.a('string');
      }
      expect(contentOf(state)).to.deep.equal(before);
    });
  }

  for (const [title, { damage, code }] of Object.entries(DAMAGES).filter(([, row]) => row.code !== 'journal-missing')) {
    it(`P3: an enrolment does not go on with one that ${title}`, () => {
      filled();
      damage(path);
      const before = readFileSync(path);
      expect(failureOf(() => createJournal(state))).to.deep.include({ code });
      expect(readFileSync(path).equals(before)).to.equal(true);
    });
  }

  it('P3: on a read-only file system says so, and what reads it still says closed', async function () {
    if (!canMount()) skipAloud(this, 'mounting needs root');
    filled();
    await withReadOnly(state, () => {
      expect(failureOf(() => openJournal(state))).to.be.instanceOf(TransientError);
      expect(failureOf(() => openJournal(state))).to.deep.include({
        hint: 'the agent needs to write to its state folder: mount it writable, and look at its owner',
      });
    });
    openJournal(state).close();
  });

  it('P8: on a full disk says so, keeps what is there, and goes on when there is room', async function () {
    if (!canMount()) skipAloud(this, 'mounting needs root');
    mkdirSync(state);
    await withTmpfs(state, 'size=600k,mode=0700', () => {
      filled();
      using closing = new DisposableStack();
      const database = closing.adopt(openJournal(state), (opened) => opened.close());
      const insert = database.prepare('insert into outbox (bytes) values (?)');
      const failure = failureOf(() => {
        for (let count = 0; count < 100; count += 1) insert.run(Buffer.alloc(16 * 1024));
      });
      const explained = explainJournalError(failure) as TransientError;
      expect(explained).to.be.instanceOf(TransientError);
      expect(explained.hint).to.match(/free space|disk/);
      expect(lookAtGate(database, 'app').state).to.not.equal('open');
      const kept = Number(database.prepare('select count(*) from outbox').pluck().get());
      expect(kept).to.be.above(0);
      database.close();
      const again = closing.adopt(openJournal(state), (opened) => opened.close());
      expect(again.prepare('select count(*) from outbox').pluck().get()).to.equal(kept);
    });
  });

  it('is read while the agent writes, and whoever reads changes nothing', () => {
    filled();
    const writing = openJournal(state);
    writing.exec('begin immediate; delete from directives where seq = 1');
    const reading = openJournalInPlace(state);
    expect(reading.prepare('select count(*) from directives').pluck().get()).to.equal(40);
    expect(failureOf(() => reading.exec('delete from directives'))).to.deep.include({ code: 'SQLITE_READONLY' });
    writing.exec('commit');
    expect(reading.prepare('select count(*) from directives').pluck().get()).to.equal(39);
    reading.close();
    writing.close();
  });

  it('refuses rows that have no run, and values of another type', () => {
    const database = createJournal(state);
    const orphan = "insert into facts (run, name, value) values ('none', 'x', '1')";
    expect(failureOf(() => database.exec(orphan))).to.deep.include({ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' });
    const text = "insert into directives (seq, bytes) values (1, 'text')";
    expect(failureOf(() => database.exec(text))).to.deep.include({ code: 'SQLITE_CONSTRAINT_DATATYPE' });
    database.close();
  });

  it('tells what is no error of SQLite as it is', () => {
    const defect = new TypeError('a defect');
    expect(explainJournalError(defect)).to.equal(defect);
    const misuse = failureOf(() => new Database(':memory:').exec('select nonsense from nowhere'));
    expect(explainJournalError(misuse)).to.equal(misuse);
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

function overwrite(path: string, { at, length }: { at: number; length: number }): void {
  const bytes = readFileSync(path);
  bytes.fill(0, at, at + length);
  writeFileSync(path, bytes);
}

function change(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

function contentOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name} ${sha256(readFileSync(join(folder, name)))}`);
}
