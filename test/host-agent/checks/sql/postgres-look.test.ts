/** What a plan may ask of a real PostgreSQL, and what it cannot do with it. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type LivePostgres, startPostgres } from '../../../support/live-postgres.ts';
import { holdLock, look, refusalOf, until } from './looking.ts';

interface RefusedRow {
  readonly query: string;
  readonly says: string;
}

const HOSTILE: Record<string, RefusedRow> = {
  'a second statement': { query: 'select 1; delete from documents', says: '42601' },
  'an end of the transaction': { query: 'commit', says: '42601' },
  'a query and an end of the transaction': { query: 'select 1; commit', says: '42601' },
  'a transaction that writes': { query: 'set transaction read write', says: '42601' },
  'a setting that lets the transaction write': {
    query: "select set_config('transaction_read_only', 'off', false)",
    says: '25001',
  },
  'a write': { query: 'delete from documents returning 1', says: '42601' },
  'a write inside of a query': {
    query: 'with gone as (delete from documents returning 1) select count(*) from gone',
    says: '0A000',
  },
  'a query into a new table': { query: 'select count(*) into taken from documents', says: '42601' },
  'a lock on rows': { query: 'select count(*) from (select 1 from documents for update) x', says: '25006' },
  'a function of the owner that writes': { query: 'select erase()', says: '25006' },
  'a function that ends the transaction': { query: 'call finish()', says: '42601' },
  'a function that makes a temporary table': { query: 'select hoard()', says: '25006' },
  'a sequence': { query: "select nextval('ids')", says: '42501' },
  'a sequence that is set': { query: "select setval('ids', 7)", says: '42501' },
  'a large object': { query: 'select lo_create(4711)', says: '25006' },
  'a program of the server': { query: "copy (select 1) to program 'touch /tmp/keyturn'", says: '42601' },
  'a file of the server': { query: "select length(pg_read_file('postgresql.conf'))", says: '42501' },
  'a block of code': { query: 'do $$ begin delete from documents; end $$', says: '42601' },
  'another role': { query: "select set_config('role', 'postgres', false)", says: '42501' },
  'a connection of the server to itself': {
    query: "select x from dblink('dbname=live', 'delete from documents returning 1') as t (x bigint)",
    says: '2F003',
  },
  'an answer that fills the memory': { query: "select repeat('x', 100000000)", says: '54000' },
  'a cursor of its own': { query: 'declare other cursor with hold for select 1', says: '42601' },
  'a prepared statement': { query: 'execute other', says: '42601' },
  'a comment that never ends': { query: 'select 1 /*', says: '42601' },
  'a parameter that nobody gives': { query: 'select $1::bigint', says: '08P01' },
};

const NO_COUNTS: Record<string, RefusedRow> = {
  'no row': { query: 'select 1 where false', says: 'got no row' },
  'two rows': { query: 'select id from documents', says: 'got more than one row' },
  'two columns': { query: 'select 1, 2', says: 'got 2 columns' },
  'no column': { query: 'select', says: 'got 0 columns' },
  NULL: { query: 'select null::bigint', says: 'got NULL' },
  'a text of digits': { query: "select '12'", says: 'got a value that is no whole number' },
  'a text, which is not told': {
    query: 'select min(title) from documents',
    says: 'got a value that is no whole number',
  },
  'a fraction': { query: 'select 1.5', says: 'got a value that is no whole number' },
  'not a number': { query: "select 'NaN'::numeric", says: 'got a value that is no whole number' },
  'a truth': { query: 'select true', says: 'got a value that is no whole number' },
  'a number below zero': { query: 'select -1', says: 'got -1, which is below 0' },
  'a number that no ledger can hold': { query: 'select 9007199254740992', says: 'beyond 2^53 - 1' },
};

const GOOD: Record<string, readonly [query: string, count: number]> = {
  'a count': ['select count(*) from documents', 3],
  'a query that ends in a semicolon': ['select count(*) from documents;', 3],
  'a query that ends in a comment': ['select count(*) from documents -- all of them', 3],
  'a sum, which is numeric': ['select sum(id) from documents', 6],
  'a query that begins with `with`': ['with x as (select 1) select count(*) from x', 1],
  'a list of values': ['values (7)', 7],
  'a table': ['table one', 1],
  'the largest count': ['select 9007199254740991', Number.MAX_SAFE_INTEGER],
  zero: ['select 0::smallint', 0],
};

describe('a query through a session of PostgreSQL', function () {
  this.timeout(120_000);
  let server: LivePostgres;
  let url: string;
  const content = () => server.query('select xmin::text, * from documents order by id', 'live');

  before(async () => {
    server = await startPostgres();
    await server.query("create role reader login password 'wintergreen'; create role holder login password 'x'");
    await server.query('create database live');
    await server.query(
      `create table documents (id int, title text, body bytea, at timestamptz);
      insert into documents values (1, 'first', '\\x00ff', '2026-01-02 03:04:05+01'), (2, 'frostbite', null, null),
        (3, E'third "\\n', '', 'infinity');
      create table one (x int); insert into one values (1); create sequence ids; create extension dblink;
      grant select on documents, one to reader;
      create function erase() returns bigint language plpgsql security definer as $$ begin delete from documents; return 1; end $$;
      create function hoard() returns bigint language plpgsql as $$ begin create temp table h (x int); return 1; end $$;
      create procedure finish() language plpgsql as $$ begin commit; end $$`,
      'live',
    );
    url = server.url('reader', 'wintergreen', 'live');
  });
  after(() => server.stop());

  it('is hostile in 25 ways, wrong in twelve, and good in nine', () => {
    expect([HOSTILE, NO_COUNTS, GOOD].map((rows) => Object.keys(rows).length)).to.deep.equal([25, 12, 9]);
  });

  for (const [sentence, { query, says }] of Object.entries(HOSTILE)) {
    it(`refuses ${sentence}, by name, and nothing has changed`, async () => {
      const before = await content();
      const { code, text } = await refusalOf(look(url, { queries: { hostile: query } }));
      expect(code, text).to.equal('query-failed');
      expect(text).to.include(`failed to run query "hostile": ${says}`).and.not.include('wintergreen');
      expect(await content()).to.deep.equal(before);
    });
  }

  for (const [sentence, { query, says }] of Object.entries(NO_COUNTS)) {
    it(`takes ${sentence} for no count`, async () => {
      const { code, text } = await refusalOf(look(url, { queries: { good: 'select 1', wrong: query } }));
      expect(code, text).to.equal('count-malformed');
      expect(text).to.include('by query "wrong"').and.include(says).and.not.include('frostbite');
    });
  }

  for (const [sentence, [query, count]] of Object.entries(GOOD)) {
    it(`counts by ${sentence}`, async () => {
      expect((await look(url, { queries: { asked: query } })).counts).to.deep.equal({ asked: count });
    });
  }

  it('leaves no lock, no setting and no notification behind', async () => {
    const queries = {
      lock: 'select count(pg_advisory_lock(7))',
      setting: "select count(set_config('default_transaction_read_only', 'off', false))",
      notice: "select count(pg_notify('x', 'y'))",
    };
    const { counts, readOnly } = await look(url, { queries });
    expect(counts).to.deep.equal({ lock: 1, setting: 1, notice: 1 });
    expect(readOnly.isTransactionReadOnly).to.equal(true);
    const sessions = await server.query("select pid from pg_stat_activity where application_name = 'keyturn'");
    expect(sessions).to.deep.equal([]);
    expect(await server.query("select 1 from pg_locks where locktype = 'advisory'")).to.deep.equal([]);
  });

  it('says what the role does not see when it fails for that', async () => {
    const asked = { schemas: ['public', 'archive'], queries: { old: 'select count(*) from archive.documents' } };
    const { code, text } = await refusalOf(look(url, asked));
    expect(code).to.equal('query-failed');
    expect(text).to.include('42P01').and.include('a role that sees archive');
  });

  it('makes a digest of rows, in the order in which they come', async () => {
    const digests = {
      all: 'select id, title, body, at from documents order by id',
      backwards: 'select id from documents order by id desc',
      none: 'select id from documents where false',
    };
    const seen = (await look(url, { digests, queries: {} })).digests;
    expect(seen.all).to.deep.equal({
      sha256: sha256(
        '["1","first","\\\\x00ff","2026-01-02 02:04:05+00"]\n["2","frostbite",null,null]\n["3","third \\"\\n","\\\\x","infinity"]\n',
      ),
      rowCount: 3,
    });
    expect(seen.backwards).to.deep.equal({ sha256: sha256('["3"]\n["2"]\n["1"]\n'), rowCount: 3 });
    expect(seen.none).to.deep.equal({ sha256: sha256(''), rowCount: 0 });
  });

  it('makes the same digest whatever the role prefers', async () => {
    const digests = { all: 'select * from documents order by id' };
    const before = (await look(url, { digests })).digests;
    await server.query(
      "alter role reader set timezone = 'Asia/Ho_Chi_Minh'; alter role reader set bytea_output = 'escape'",
    );
    expect((await look(url, { digests })).digests).to.deep.equal(before);
    await server.query('alter role reader reset all');
  });

  it('makes a digest of more rows than are asked for at a time', async () => {
    const digests = { many: 'select * from generate_series(1, 1000)' };
    const lines = Array.from({ length: 1000 }, (_, index) => `["${index + 1}"]\n`);
    const { many } = (await look(url, { digests })).digests;
    expect(many).to.deep.equal({ sha256: sha256(lines.join('')), rowCount: 1000 });
  });

  it('sees one instant in all queries', async () => {
    const gate = await holdLock(server, 7);
    const queries = {
      before: 'select count(*) from one',
      waiting: 'select count(pg_advisory_lock(7))',
      after: 'select count(*) from one',
    };
    const looking = look(url, { queries });
    await until(server, "select 1 from pg_locks where locktype = 'advisory' and not granted");
    await server.query('insert into one values (2)', 'live');
    await gate.release();
    expect((await looking).counts).to.deep.equal({ before: 1, waiting: 1, after: 1 });
    expect((await look(url, { queries: { later: 'select count(*) from one' } })).counts).to.deep.equal({ later: 2 });
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
