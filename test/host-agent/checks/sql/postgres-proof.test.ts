/** A session is proven to read only, or nothing of the plan is run over it; on a real server, role by role. */
import { expect } from 'chai';
import { expectReadOnly } from '../../../../shared/ledger/kinds/sql.ts';
import { type LivePostgres, startPostgres } from '../../../support/live-postgres.ts';
import { look } from './looking.ts';

interface RoleRow {
  /** What is said to the server of role `it`, which sees schema `app` and reads its tables. */
  readonly given?: string;
  readonly schemas?: readonly string[];
  /** What refuses the write in the read-only transaction; that it is read-only, unless said. */
  readonly writeCode?: string;
  /** The privileges that are found; none for a role that passes. */
  readonly found: readonly string[];
}

const ROLES: Record<string, RoleRow> = {
  'that reads alone is proven': { found: [] },
  'that may insert is not': { given: 'grant insert on app.documents to it', found: ['INSERT app.documents'] },
  'that may update is not': { given: 'grant update on app.documents to it', found: ['UPDATE app.documents'] },
  'that may delete is not': { given: 'grant delete on app.documents to it', found: ['DELETE app.documents'] },
  'that may truncate is not': { given: 'grant truncate on app.documents to it', found: ['TRUNCATE app.documents'] },
  'that may attach a trigger is not': {
    given: 'grant trigger on app.documents to it',
    found: ['TRIGGER app.documents'],
  },
  'that may update one column is not': {
    given: 'grant update (title) on app.documents to it',
    found: ['UPDATE of columns of app.documents'],
  },
  'that may insert one column is not': {
    given: 'grant insert (title) on app.documents to it',
    found: ['INSERT of columns of app.documents'],
  },
  'that owns the table is not': {
    given: 'alter table app.documents owner to it',
    found: ['OWNER app.documents', 'OWNER app.documents_id_seq'],
  },
  'that owns the schema is not': { given: 'alter schema app owner to it', found: ['OWNER schema app'] },
  'that may write through a view is not': {
    given: 'create view app.shown as select * from app.documents; grant update on app.shown to it',
    found: ['UPDATE app.shown'],
  },
  'that may advance a sequence is not': {
    given: 'create sequence app.ids; grant usage on sequence app.ids to it',
    found: ['USAGE sequence app.ids'],
  },
  'that everybody shares a right with is not': {
    given: 'grant delete on app.documents to public',
    found: ['DELETE app.documents'],
  },
  'that inherits from one that writes is not': {
    given: 'grant insert on app.documents to writer; grant writer to it',
    found: ['INSERT app.documents'],
  },
  'that may become one that writes, without inheriting, is not': {
    given: 'grant insert on app.documents to writer; grant writer to it with inherit false',
    found: ['INSERT app.documents'],
  },
  'that may write all data is not': {
    given: 'grant pg_write_all_data to it',
    found: [
      'MEMBER pg_write_all_data',
      'DELETE app."Odd; name"',
      'DELETE app.documents',
      'INSERT app."Odd; name"',
      'INSERT app.documents',
      'UPDATE app."Odd; name"',
      'UPDATE app.documents',
      'UPDATE sequence app.documents_id_seq',
    ],
  },
  'that row security does not bind is not': { given: 'alter role it bypassrls', found: ['BYPASSRLS it'] },
  'that may make roles is not': { given: 'alter role it createrole', found: ['CREATEROLE it'] },
  'that begins as another than it logs in as is judged by both': {
    given: 'grant other_reader to it; alter role it set role other_reader; grant update on app.documents to it',
    found: ['UPDATE app.documents'],
  },
  'that may write elsewhere is not, unless the schemas are named': {
    given: 'create schema elsewhere; create table elsewhere.notes (x int); grant insert on elsewhere.notes to it',
    found: ['INSERT elsewhere.notes'],
  },
  'that may write elsewhere is proven for the schemas that are named': {
    given: 'create schema elsewhere; create table elsewhere.notes (x int); grant insert on elsewhere.notes to it',
    schemas: ['app'],
    found: [],
  },
  'that may write a table which it cannot reach is not': {
    given: 'create schema elsewhere; create table elsewhere.notes (x int); grant delete on elsewhere.notes to it',
    schemas: ['elsewhere'],
    writeCode: '42501',
    found: ['DELETE elsewhere.notes'],
  },
  'whose path hides the catalog is judged all the same': {
    given: `create table app.pg_class (oid oid); create table app.pg_roles (oid oid); grant insert on app.documents to it;
      alter role it set search_path = app, pg_catalog`,
    found: ['INSERT app.documents'],
  },
};

describe('the proof that a session of PostgreSQL can only read', function () {
  this.timeout(120_000);
  let server: LivePostgres;
  let url: string;
  before(async () => {
    server = await startPostgres();
    await server.query('create role it login; create role writer; create role other_reader');
  });
  after(() => server.stop());

  beforeEach(async () => {
    await server.query('drop database if exists live');
    await server.query('drop role it; drop role writer; drop role other_reader');
    await server.query("create role it login password 'wintergreen'; create role writer; create role other_reader");
    await server.query('create database live');
    await server.query(
      `create schema app; create table app.documents (id int generated always as identity, title text);
      create table app."Odd; name" (id int); insert into app.documents (title) values ('a'), ('b');
      grant usage on schema app to it, other_reader; grant select on all tables in schema app to it, other_reader`,
      'live',
    );
    url = server.url('it', 'wintergreen', 'live');
  });

  const queries = { documents: 'select count(*) from app.documents' };

  it('is asked of 23 roles', () => {
    expect(Object.keys(ROLES)).to.have.length(23);
  });

  for (const [sentence, { given = 'select 1', schemas, writeCode = '25006', found }] of Object.entries(ROLES)) {
    it(`a role ${sentence}`, async () => {
      await server.query(given, 'live');
      const { readOnly, counts } = await look(url, { schemas, queries });
      expect(readOnly.writePrivileges).to.deep.equal(found);
      expect(readOnly).to.deep.include({ isTransactionReadOnly: true, write: 'refused', writeCode });
      const isProven = found.length === 0;
      expect(readOnly.openWrite).to.deep.equal(isProven ? { write: 'refused', code: '42501' } : undefined);
      expect(expectReadOnly(readOnly).every(({ met }) => met)).to.equal(isProven);
      expect(counts, 'no query is run over a session that is not proven').to.deep.equal(
        isProven ? { documents: 2 } : {},
      );
    });
  }

  it('tells the gravest first of a superuser', async () => {
    await server.query('alter role it superuser');
    const { readOnly, counts } = await look(url, { queries });
    expect(readOnly.writePrivileges).to.include('SUPERUSER it').and.include('OWNER app.documents');
    expect(readOnly.writePrivileges[0]).to.match(/^(BYPASSRLS|CREATEROLE|SUPERUSER) /);
    expect(readOnly.openWrite).to.equal(undefined);
    expect(counts).to.deep.equal({});
  });

  it('tells no more than evidence holds', async () => {
    await server.query(
      'do $$ begin for i in 1..40 loop execute $q$create table app.t$q$ || i || $q$ (x int)$q$; end loop; end $$',
      'live',
    );
    await server.query('grant insert on all tables in schema app to it', 'live');
    expect((await look(url, { queries })).readOnly.writePrivileges).to.have.length(32);
  });

  it('is not given where there is no table that a write could be tried on', async () => {
    await server.query('drop table app.documents; drop table app."Odd; name"', 'live');
    const { readOnly, counts } = await look(url, { queries: { one: 'select 1' } });
    expect(readOnly).to.deep.include({ write: 'untried', openWrite: { write: 'untried' } });
    expect(counts).to.deep.equal({});
  });

  it('names a schema that is not there, and one that the role may not look into', async () => {
    await server.query('create schema closed; create table closed.secrets (x int)', 'live');
    const { unseen, counts } = await look(url, { schemas: ['app', 'closed', 'nowhere'], queries });
    expect(unseen).to.deep.equal([
      { schema: 'closed', why: 'no-usage' },
      { schema: 'nowhere', why: 'absent' },
    ]);
    expect(counts).to.deep.equal({ documents: 2 });
  });

  it('is given although none of the schemas is there', async () => {
    const { readOnly, unseen } = await look(url, { schemas: ['nowhere'], queries });
    expect(unseen).to.deep.equal([{ schema: 'nowhere', why: 'absent' }]);
    expect(readOnly.openWrite).to.deep.equal({ write: 'refused', code: '42501' });
  });

  it('has changed nothing', async () => {
    await server.query('grant insert on app.documents to it', 'live');
    const before = await server.query('select xmin::text, * from app.documents order by id', 'live');
    await look(url, { queries });
    expect(await server.query('select xmin::text, * from app.documents order by id', 'live')).to.deep.equal(before);
    expect(before).to.have.length(2);
  });
});
