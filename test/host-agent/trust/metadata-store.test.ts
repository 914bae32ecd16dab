import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { expect } from 'chai';

import {
  adoptTrusted,
  loadTrusted,
  loadVerifiedTarget,
  openTrustDatabase,
  resetTrusted,
  saveVerifiedTarget,
} from '../../../host-agent/trust/metadata-store.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';

const WHEN = { adoptedAt: new Date('2030-01-01T00:00:00Z') };

function metadata(version: number): Buffer {
  return Buffer.from(JSON.stringify({ signed: { version } }));
}

function setOf(versions: Record<string, number>): TrustedMetadata {
  return new Map(Object.entries(versions).map(([role, version]) => [`${role}.json`, metadata(version)]));
}

describe('host-agent/trust/metadata-store', function () {
  this.timeout(30_000);
  let folder: string;
  let db: Database.Database;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-metadata-store-'));
    db = openTrustDatabase(join(folder, 'trust.sqlite'));
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const stored = () => Object.fromEntries([...loadTrusted(db)].map(([name, bytes]) => [name, bytes.toString()]));
  const storedAs = (set: TrustedMetadata) =>
    Object.fromEntries([...set].map(([name, bytes]) => [name, bytes.toString()]));

  it('is empty before enrolment, and keeps what was adopted over a restart', () => {
    expect(stored()).to.deep.equal({});
    const first = setOf({ root: 1, timestamp: 1 });
    adoptTrusted(db, new Map(), first, WHEN);
    db.close();
    db = openTrustDatabase(join(folder, 'trust.sqlite'));
    expect(stored()).to.deep.equal(storedAs(first));
  });

  it('writes as durably as the journal: WAL, synced at each commit', () => {
    expect(db.pragma('journal_mode', { simple: true })).to.equal('wal');
    expect(db.pragma('synchronous', { simple: true })).to.equal(2);
  });

  it('replaces the set as a whole: files come, change and go', () => {
    const first = setOf({ root: 1, timestamp: 1, 'release-old': 1 });
    const second = setOf({ root: 2, timestamp: 1, 'release-new': 1 });
    adoptTrusted(db, new Map(), first, WHEN);
    adoptTrusted(db, first, second, { adoptedAt: new Date('2030-02-02T00:00:00Z') });
    expect(stored()).to.deep.equal(storedAs(second));
    const dates = db.prepare('select name, substr(adopted_at, 1, 10) as day from trusted_metadata order by name').all();
    expect(dates).to.deep.equal([
      { name: 'release-new.json', day: '2030-02-02' },
      { name: 'root.json', day: '2030-02-02' },
      { name: 'timestamp.json', day: '2030-01-01' },
    ]);
  });

  const refused: Record<string, { before: TrustedMetadata; after: TrustedMetadata; expected: string }> = {
    'a result that started from another set': {
      before: setOf({ root: 1, timestamp: 1 }),
      after: setOf({ root: 3, timestamp: 3 }),
      expected: 'another set was adopted meanwhile',
    },
    'a result that started from nothing': { before: new Map(), after: setOf({ root: 3 }), expected: 'meanwhile' },
    'a set without a root': {
      before: setOf({ root: 2, timestamp: 2 }),
      after: setOf({ timestamp: 3 }),
      expected: 'no root',
    },
    'an empty root': {
      before: setOf({ root: 2, timestamp: 2 }),
      after: new Map([['root.json', Buffer.alloc(0)]]),
      expected: 'no root',
    },
    'an older root': {
      before: setOf({ root: 2, timestamp: 2 }),
      after: setOf({ root: 1, timestamp: 3 }),
      expected: 'expected a root after version 2, got 1',
    },
    'another root of the same version': {
      before: setOf({ root: 2, timestamp: 2 }),
      after: new Map([['root.json', Buffer.from('{"signed":{"version":2,"other":1}}')]]),
      expected: 'expected a root after version 2, got 2',
    },
  };
  for (const [name, { before, after, expected }] of Object.entries(refused)) {
    it(`refuses ${name}, and what is stored stays`, () => {
      const present = setOf({ root: 2, timestamp: 2 });
      adoptTrusted(db, new Map(), present, WHEN);
      expect(() => adoptTrusted(db, before, after, WHEN)).to.throw(expected);
      expect(stored()).to.deep.equal(storedAs(present));
    });
  }
  it('has a row for each refusal', () => expect(Object.keys(refused)).to.have.length(6));

  it('tells a lost race (try again) from a wrong set (never)', () => {
    adoptTrusted(db, new Map(), setOf({ root: 2 }), WHEN);
    expect(() => adoptTrusted(db, new Map(), setOf({ root: 3 }), WHEN)).to.throw(TransientError);
    expect(() => adoptTrusted(db, setOf({ root: 2 }), setOf({ root: 1 }), WHEN)).to.throw(RejectedError);
  });

  it('lets one of two connections win', () => {
    const other = openTrustDatabase(join(folder, 'trust.sqlite'));
    const start = setOf({ root: 1 });
    adoptTrusted(db, new Map(), start, WHEN);
    adoptTrusted(other, start, setOf({ root: 1, timestamp: 7 }), WHEN);
    expect(() => adoptTrusted(db, start, setOf({ root: 1, timestamp: 6 }), WHEN)).to.throw(TransientError);
    expect(stored()).to.deep.equal(storedAs(setOf({ root: 1, timestamp: 7 })));
    other.close();
  });

  it('takes nothing of a set one of whose files cannot be stored', () => {
    const present = setOf({ root: 1, timestamp: 1 });
    adoptTrusted(db, new Map(), present, WHEN);
    const broken = new Map([...setOf({ root: 2 }), ['timestamp.json', Buffer.alloc(0)]]);
    expect(() => adoptTrusted(db, present, broken, WHEN)).to.throw('CHECK constraint failed');
    expect(stored()).to.deep.equal(storedAs(present));
  });

  it('forgets everything at enrolment, verified targets too', () => {
    adoptTrusted(db, new Map(), setOf({ root: 5, timestamp: 9 }), WHEN);
    saveVerifiedTarget(db, 'policy.json', { sha256: 'a'.repeat(64), bytes: Buffer.from('{}') });
    resetTrusted(db, setOf({ root: 1 }), WHEN);
    expect(stored()).to.deep.equal(storedAs(setOf({ root: 1 })));
    expect(loadVerifiedTarget(db, 'policy.json')).to.equal(undefined);
  });

  it('keeps the newest verified bytes of a target', () => {
    for (const letter of ['a', 'b']) {
      saveVerifiedTarget(db, 'policy.json', { sha256: letter.repeat(64), bytes: Buffer.from(letter) });
    }
    expect(loadVerifiedTarget(db, 'policy.json')).to.deep.equal({ sha256: 'b'.repeat(64), bytes: Buffer.from('b') });
    expect(loadVerifiedTarget(db, 'other')).to.equal(undefined);
  });

  describe('verified targets', () => {
    const DIGITS = '0123456789abcdef';
    const digestOf = (index: number) => (DIGITS[index % 16] ?? '').repeat(63) + (DIGITS[Math.floor(index / 16)] ?? '');
    const pathOf = (index: number) => `app/${index}.json`;
    /** Lists the targets of these numbers, each with its digest. */
    const listing = (indices: readonly number[]) => ({
      signed: {
        version: 1,
        targets: Object.fromEntries(indices.map((index) => [pathOf(index), { hashes: { sha256: digestOf(index) } }])),
      },
    });
    const trust = (...indices: number[]) =>
      resetTrusted(db, new Map([...setOf({ root: 1 }), ['release-app.json', toBuffer(listing(indices))]]), WHEN);
    const listAfterwards = (...indices: number[]) => {
      const before = loadTrusted(db);
      adoptTrusted(db, before, new Map([...before, ['release-app.json', toBuffer(listing(indices))]]), WHEN);
    };
    const save = (index: number) =>
      saveVerifiedTarget(db, pathOf(index), { sha256: digestOf(index), bytes: Buffer.from(`${index}`) });
    const kept = () => db.prepare('select path from verified_target order by rowid').pluck().all();

    it('that the trusted set lists no more go when the next one is kept, and no metadata with them', () => {
      trust(1, 2, 3);
      for (const index of [1, 2]) save(index);
      listAfterwards(2, 3);
      const before = stored();
      save(3);
      expect(kept()).to.deep.equal([pathOf(2), pathOf(3)]);
      expect(loadVerifiedTarget(db, pathOf(1))).to.equal(undefined);
      expect(stored()).to.deep.equal(before);
    });

    it('that are listed with another digest by now go as well', () => {
      trust(1, 2);
      save(1);
      saveVerifiedTarget(db, pathOf(2), { sha256: digestOf(7), bytes: Buffer.from('other') });
      expect(kept()).to.deep.equal([pathOf(1)]);
    });

    it('are the newest of so many, in the order in which they were verified', () => {
      const all = Array.from({ length: LIMITS.verifiedTargetCount + 3 }, (_, index) => index);
      trust(...all);
      for (const index of all) save(index);
      expect(kept()).to.deep.equal(all.slice(3).map(pathOf));
      save(3);
      save(0);
      expect(kept()).to.deep.equal([...all.slice(5), 3, 0].map(pathOf));
    });

    it('never include the policy among those that go: kills are judged by it out of touch', () => {
      const policy = { sha256: 'a'.repeat(64), bytes: Buffer.from('{}') };
      saveVerifiedTarget(db, 'policy.json', policy);
      trust(...Array.from({ length: 100 }, (_, index) => index));
      saveVerifiedTarget(db, 'policy.json', policy);
      for (let index = 0; index < 100; index += 1) save(index);
      expect(loadVerifiedTarget(db, 'policy.json')).to.deep.equal(policy);
      expect(kept()).to.have.length(LIMITS.verifiedTargetCount + 1);
    });

    it('P8: are kept and go in one transaction', () => {
      trust(1, 2);
      save(1);
      listAfterwards(2);
      db.exec("create trigger broken before delete on verified_target begin select raise(abort, 'no room'); end");
      expect(() => save(2)).to.throw('no room');
      expect(kept()).to.deep.equal([pathOf(1)]);
    });
  });
});

function toBuffer(tree: object): Buffer {
  return Buffer.from(JSON.stringify(tree));
}
