/** P3: a gate is open for nobody when the journal says nothing, or nonsense, or cannot be read; asking throws nothing. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import fc from 'fast-check';
import { applicationsWithGate, lookAtGate } from '../../../host-agent/gate/read-gates.ts';
import { encodeGateState } from '../../../host-agent/gate/state-text.ts';
import { createJournal, type JournalDatabase } from '../../../host-agent/journal/journal.ts';

const APP = 'cutter';
const OPEN = encodeGateState({
  state: 'open',
  epoch: 0,
  seenMs: 0,
  order: {
    nonce: 'n',
    envelope: 'e',
    entrypoints: ['live'],
    notBeforeMs: 0,
    expiresMs: 2_000_000_000_000,
    leaseMs: 1_000_000_000_000,
    maxOpenMs: 1_000_000_000_000,
    graceMs: 0,
    mayReopen: false,
  },
  openedAtMs: 1_000,
  renewedAtMs: 1_000,
  freshUntilMs: 2_000_000_000_000,
});
const nowMs = () => 2_000;

describe('a gate of a broken journal', () => {
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

  const save = (state: unknown, app = APP) =>
    database.prepare('insert or replace into gate_states (app, state) values (?, ?)').run(app, state);

  it('is open where the journal is whole: the other rows mean something', () => {
    save(OPEN);
    expect(lookAtGate(database, APP, { nowMs }).state).to.equal('open');
  });

  const BROKEN: Record<string, () => JournalDatabase> = {
    'whose table is gone': () => {
      database.exec('drop table gate_states');
      return database;
    },
    'whose table has other columns': () => {
      database.exec('drop table gate_states; create table gate_states (app text, gate text)');
      database.prepare('insert into gate_states values (?, ?)').run(APP, OPEN);
      return database;
    },
    'that says a word': () => {
      save('open');
      return database;
    },
    'with a member too many': () => {
      save(JSON.stringify({ ...JSON.parse(OPEN), more: 1 }));
      return database;
    },
    'with a member too few': () => {
      const { freshUntilMs: _left, ...rest } = JSON.parse(OPEN);
      save(JSON.stringify(rest));
      return database;
    },
    'spelt in a second way': () => {
      save(` ${OPEN}`);
      return database;
    },
    'whose epoch is below nought': () => {
      save(JSON.stringify({ ...JSON.parse(OPEN), epoch: -1 }));
      return database;
    },
    'whose state is bytes': () => {
      database.exec('drop table gate_states; create table gate_states (app, state)');
      database.prepare('insert into gate_states values (?, ?)').run(APP, Buffer.from(OPEN));
      return database;
    },
    'that is closed': () => {
      const gone = createJournal(join(folder, 'other'));
      gone.close();
      return gone;
    },
    'that was damaged under its feet': () => {
      save(OPEN);
      database.close();
      const path = join(folder, 'damaged.sqlite');
      copyFileSync(join(folder, 'journal.sqlite'), path);
      writeFileSync(path, readFileSync(path).fill(0x41, 4096));
      database = createJournal(join(folder, 'third'));
      return new Database(path);
    },
    'that is no journal': () => new Database(':memory:'),
  };

  for (const [title, make] of Object.entries(BROKEN)) {
    it(`${title} is open for nobody`, () => {
      const broken = make();
      const gate = lookAtGate(broken, APP, { nowMs });
      expect(gate.state).to.not.equal('open');
      expect(gate).to.have.property('reason').that.is.a('string').and.not.equal('');
      expect(applicationsWithGate(broken)).to.be.an('array');
      if (broken !== database) broken.close();
    });
  }

  it('whatever text it holds is open for nobody', () => {
    const text = fc.oneof(fc.constantFrom('open', '{"state":"open"}', ''), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, (state) => {
        save(state);
        expect(lookAtGate(database, APP, { nowMs }).state).to.not.equal('open');
      }),
      { numRuns: 200 },
    );
  });
});
