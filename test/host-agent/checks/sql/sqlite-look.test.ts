/** What a plan may ask of a real SQLite file, and what is proven of who reads it. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { expectReadOnly } from '../../../../shared/ledger/kinds/sql.ts';
import { look, PATIENT_MS, refusalOf } from './looking.ts';

const ENDLESS = 'with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n';

const HOSTILE: Record<string, readonly [query: string, says: string]> = {
  'a second statement': ['select 1; delete from documents', 'more than one statement'],
  'a write': ['delete from documents returning 1', 'expected select'],
  'a write behind `with`': ['with x as (select 1) delete from documents returning 1', 'SQLITE_READONLY'],
  'a write behind a comment': ['/* select */ delete from documents returning 1', 'expected select'],
  'an end of the transaction': ['commit', 'expected select'],
  'a setting': ['pragma query_only = off', 'expected select'],
  'a setting behind a comment': ['-- select\npragma query_only = off', 'expected select'],
  'a file that is attached': ["attach '/tmp/keyturn-taken.db' as taken", 'expected select'],
  'a copy into a file': ["vacuum into '/tmp/keyturn-taken.db'", 'expected select'],
  'an extension': ["select load_extension('/tmp/keyturn.so')", 'SQLITE_ERROR'],
  'an answer that fills the memory': ['select length(hex(randomblob(200000000)))', 'SQLITE_NOMEM'],
  'a parameter that nobody gives': ['select ?', 'SQLITE_ERROR'],
  'nothing at all': ['-- nothing', 'expected select'],
  'a table that is not there': ['select count(*) from nowhere', 'no such table'],
};

const NO_COUNTS: Record<string, readonly [query: string, says: string]> = {
  'no row': ['select 1 where 0', 'got no row'],
  'two rows': ['select id from documents', 'got more than one row'],
  'two columns': ['select 1, 2', 'got 2 columns'],
  NULL: ['select null', 'got NULL'],
  'a text of digits': ["select '12'", 'no whole number'],
  'a whole number written as a fraction': ['select 1.0', 'no whole number'],
  'a number below zero': ['select -1', 'below 0'],
  'a number that no ledger can hold': ['select 9007199254740992', 'beyond 2^53 - 1'],
};

describe('a look into a SQLite file', function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-sqlite-'));
    path = join(folder, 'live.db');
    makeFile(path);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('counts and makes digests, by a URL, by one with a slash more, and by a path', async () => {
    const digests = { all: 'select * from documents order by id' };
    for (const source of [`sqlite://${path}`, `sqlite:///${path}`, `${path}\n`]) {
      const seen = await look(source, { digests });
      expect(seen.engine).to.equal('sqlite');
      expect(seen.counts).to.deep.equal({ documents: 3 });
      const rows =
        '["integer:1","text:1","real:1.5"]\n["integer:2","blob:00ff",null]\n["integer:3","text:frostbite\\n",null]\n';
      expect(seen.digests.all).to.deep.equal({ sha256: sha256(rows), rowCount: 3 });
    }
  });

  it('proves that connection, handle and process can only read', async () => {
    const { readOnly, unseen } = await look(path, { schemas: ['main', 'other'] });
    expect(readOnly).to.deep.equal({
      isTransactionReadOnly: true,
      writePrivileges: [],
      write: 'refused',
      writeCode: 'SQLITE_READONLY',
      openWrite: { write: 'refused', code: 'SQLITE_READONLY' },
    });
    expect(expectReadOnly(readOnly).every(({ met }) => met)).to.equal(true);
    expect(unseen).to.deep.equal([{ schema: 'other', why: 'absent' }]);
  });

  it('proves nothing of a file or a folder that everybody may write, and runs no query', async () => {
    chmodSync(path, 0o666);
    chmodSync(folder, 0o777);
    const { readOnly, counts } = await look(path);
    expect(readOnly.writePrivileges).to.deep.equal(['WRITE the file', 'WRITE the folder of the file']);
    expect(counts).to.deep.equal({});
  });

  it('proves nothing of a file without a table', async () => {
    const empty = join(folder, 'empty.db');
    new Database(empty).exec('create view v as select 1').close();
    const { readOnly, counts } = await look(empty);
    expect(readOnly).to.deep.include({ write: 'untried', openWrite: { write: 'untried' } });
    expect(counts).to.deep.equal({});
  });

  it('leaves file and folder as they were', async () => {
    const before = [readdirSync(folder), sha256(readFileSync(path))];
    await look(path, { queries: { sorted: 'select count(*) from (select * from documents order by body)' } });
    expect([readdirSync(folder), sha256(readFileSync(path))]).to.deep.equal(before);
  });

  it('reads beside a program that writes, in one instant', async () => {
    const writer = new Database(path);
    writer.pragma('journal_mode = wal');
    writer.exec("insert into documents values (4, 'fourth', null)");
    expect((await look(path)).counts).to.deep.equal({ documents: 4 });
    writer.close();
  });

  it('makes nothing beside a file in WAL mode that nobody has open, and says so', async () => {
    const writer = new Database(path);
    writer.pragma('journal_mode = wal');
    writer.close();
    const { code, text } = await refusalOf(look(path));
    expect(code).to.equal('data-source-refused');
    expect(text, text).to.include('SQLITE_READONLY_DIRECTORY').and.include('WAL');
    expect(readdirSync(folder)).to.deep.equal(['live.db']);
  });

  it('is hostile in fourteen ways, and wrong in eight', () => {
    expect([HOSTILE, NO_COUNTS].map((rows) => Object.keys(rows).length)).to.deep.equal([14, 8]);
  });

  for (const [sentence, [query, says]] of Object.entries(HOSTILE)) {
    it(`refuses ${sentence}, by name, and nothing has changed`, async () => {
      const before = sha256(readFileSync(path));
      const { code, text } = await refusalOf(look(path, { queries: { hostile: query } }));
      expect(code, text).to.equal('query-failed');
      expect(text, text).to.include('failed to run query "hostile": ').and.include(says);
      expect(sha256(readFileSync(path))).to.equal(before);
      expect(existsSync('/tmp/keyturn-taken.db')).to.equal(false);
    });
  }

  for (const [sentence, [query, says]] of Object.entries(NO_COUNTS)) {
    it(`takes ${sentence} for no count`, async () => {
      const { code, text } = await refusalOf(look(path, { queries: { good: 'select 1', wrong: query } }));
      expect(code, text).to.equal('count-malformed');
      expect(text).to.include('by query "wrong"').and.include(says);
    });
  }

  it('ends a query that never ends with the time of the check', async () => {
    const asked = { queries: { good: 'select 1', endless: ENDLESS }, timeoutMs: 1000 };
    const { code, text } = await refusalOf(look(path, asked));
    expect(code).to.equal('query-failed');
    expect(text).to.include('failed to run query "endless": not done within 1000 ms');
    expect(readersOf(folder)).to.deep.equal([]);
  });

  it('ends at the word of who asked', async () => {
    const stop = new AbortController();
    const looking = refusalOf(look(path, { queries: { endless: ENDLESS }, signal: stop.signal }));
    await untilRead(folder);
    stop.abort(new Error('stopped by a kill'));
    expect((await looking).text).to.include('stopped by a kill');
    expect(readersOf(folder)).to.deep.equal([]);
  });

  const REFUSED: Record<string, (at: string) => void> = {
    'is not there': () => undefined,
    'is a folder': (at) => rmSync(at, { force: true }),
    'is no database': (at) => writeFileSync(at, 'no database at all, and long enough to be read as one'.repeat(20)),
    'is a link to nowhere': (at) => symlinkSync('/nowhere/live.db', at),
    'is below a folder that is not there': () => undefined,
  };

  for (const [sentence, arrange] of Object.entries(REFUSED)) {
    it(`P7: refuses a file that ${sentence}, without its path`, async () => {
      const odd = sentence === 'is a folder' ? folder : join(folder, sentence.startsWith('is below') ? 'x/odd' : 'odd');
      if (odd !== folder) arrange(odd);
      const { code, text } = await refusalOf(look(`sqlite://${odd}`));
      expect(code, text).to.equal('data-source-refused');
      expect(text).not.to.include(folder);
    });
  }
});

function makeFile(path: string): void {
  const database = new Database(path);
  database.exec(`create table documents (id integer primary key, body, weight real);
    insert into documents values (1, '1', 1.5), (2, x'00ff', null), (3, 'frostbite' || char(10), null)`);
  database.close();
}

/** Processes that have a file of the folder open. */
function readersOf(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => openFilesOf(pid).some((path) => path.startsWith(folder)));
}

async function untilRead(folder: string): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENT_MS;
  while (readersOf(folder).length === 0) {
    if (performance.now() > giveUpAtMs) throw new Error('nobody reads it');
    await new Promise(setImmediate);
  }
}

function openFilesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has ended meanwhile
  }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
