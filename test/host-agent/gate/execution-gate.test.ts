/** P3: the execution gate is closed, whatever the journal says, and also when it says nothing. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import * as gateModule from '../../../host-agent/gate/execution-gate.ts';
import { applicationsWithGate, readExecutionGate } from '../../../host-agent/gate/execution-gate.ts';
import { createJournal, type JournalDatabase } from '../../../host-agent/journal/journal.ts';

const APP = 'cutter';

describe('the execution gate', () => {
  let folder: string;
  let database: JournalDatabase;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-gate-'));
    database = createJournal(folder);
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function save(epoch: unknown, reason: unknown, app = APP): void {
    database
      .prepare('insert or replace into execution_gates (app, epoch, reason) values (?, ?, ?)')
      .run(app, epoch, reason);
  }

  it('P3: is closed on first start', () => {
    expect(readExecutionGate(database, APP)).to.deep.equal({
      state: 'closed',
      reason: 'no enable order was ever admitted',
      epoch: 0,
    });
    expect(applicationsWithGate(database)).to.deep.equal([]);
  });

  it('P4: says what closed it, and the epoch that a kill has raised', () => {
    save(7, 'killed by An Nguyen');
    expect(readExecutionGate(database, APP)).to.deep.equal({
      state: 'closed',
      reason: 'killed by An Nguyen',
      epoch: 7,
    });
    expect(readExecutionGate(database, 'another')).to.deep.include({ state: 'closed', epoch: 0 });
  });

  it('lists the applications that it knows of', () => {
    for (const app of ['zebra', 'ant']) save(1, 'killed', app);
    expect(applicationsWithGate(database)).to.deep.equal(['ant', 'zebra']);
  });

  const BROKEN: Record<string, () => JournalDatabase> = {
    'whose table is gone': () => {
      database.exec('drop table execution_gates');
      return database;
    },
    'whose table has other columns': () => {
      database.exec('drop table execution_gates; create table execution_gates (app text, state text)');
      database.exec(`insert into execution_gates values ('${APP}', 'open')`);
      return database;
    },
    'whose table has more columns, one of them a state': () => {
      database.exec('drop table execution_gates');
      database.exec('create table execution_gates (app text, epoch integer, reason text, state text)');
      database.exec(`insert into execution_gates values ('${APP}', 3, 'enabled', 'open')`);
      return database;
    },
    'whose epoch is below nought': () => {
      save(-1, 'killed');
      return database;
    },
    'whose epoch is beyond every number': () => {
      save(2n ** 62n, 'killed');
      return database;
    },
    'whose values have other types': () => {
      database.exec('drop table execution_gates; create table execution_gates (app text, epoch, reason)');
      database.prepare('insert into execution_gates values (?, ?, ?)').run(APP, Buffer.from('open'), null);
      return database;
    },
    'that has two rows': () => {
      database.exec('drop table execution_gates; create table execution_gates (app text, epoch, reason)');
      database.exec(`insert into execution_gates values ('${APP}', 'open', 'open'), ('${APP}', 1, 'open')`);
      return database;
    },
    'that is closed': () => {
      const gone = createJournal(join(folder, 'other'));
      gone.close();
      return gone;
    },
    'that was damaged under its feet': () => {
      save(3, 'killed');
      database.close();
      const path = join(folder, 'damaged.sqlite');
      copyFileSync(join(folder, 'journal.sqlite'), path);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0x41, 4096));
      database = createJournal(join(folder, 'third'));
      return new Database(path);
    },
    'that is no journal': () => new Database(':memory:'),
  };

  it('is read from at least ten broken journals', () => {
    expect(Object.keys(BROKEN).length).to.be.at.least(10);
  });

  for (const [title, make] of Object.entries(BROKEN)) {
    it(`P3: of a journal ${title} is closed, and asking throws nothing`, () => {
      const broken = make();
      const gate = readExecutionGate(broken, APP);
      expect(gate.state).to.equal('closed');
      expect(gate.reason).to.be.a('string').and.not.equal('');
      expect(Number.isSafeInteger(gate.epoch)).to.equal(true);
      expect(applicationsWithGate(broken)).to.be.an('array');
      if (broken !== database) broken.close();
    });
  }

  it('P3: no content of the journal opens it', () => {
    const text = fc.oneof(
      fc.constantFrom('open', 'OPEN', 'enabled', '{"state":"open"}', ''),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, fc.maxSafeInteger(), text, text, (app, epoch, reason, asked) => {
        save(epoch, reason, app);
        for (const name of [app, asked]) expect(readExecutionGate(database, name).state).to.equal('closed');
      }),
      { numRuns: 200 },
    );
  });

  it('P3: offers no way to open it', () => {
    expect(Object.keys(gateModule).sort()).to.deep.equal(['applicationsWithGate', 'readExecutionGate']);
    expect(readFileSync(new URL('../../../host-agent/gate/execution-gate.ts', import.meta.url), 'utf8')).to.not.match(
      /'open'/,
    );
  });
});
