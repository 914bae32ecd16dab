/** The check `sql` as a plan asks for it: through a secret of the host, to a status. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { type LivePostgres, startPostgres } from '../../support/live-postgres.ts';
import { askOnce, CheckWorld } from './check-world.ts';

const PASSWORD = 'win?ter/green';
const PLAN_CHECKS = fileURLToPath(new URL('../../../host-agent/checks/plan-checks.ts', import.meta.url));

describe('a check of kind sql', function () {
  this.timeout(60_000);
  let server: LivePostgres;
  before(async () => {
    server = await startPostgres();
    await server.query(`create role reader login password '${PASSWORD}'; create role owner login password '${PASSWORD}';
      create table documents (id int, title text); insert into documents values (1, 'a'), (2, 'b');
      alter table documents owner to owner; grant select on documents to reader; create schema closed`);
  });
  after(() => server.stop());

  const params = { dsn: 'governance_ro', queries: { documents: 'select count(*) from documents' } };
  const secretsOf = (role: string) => ({ governance_ro: server.url(role, PASSWORD) });
  const ask = (role: string, more: object = {}) =>
    askOnce({ secrets: secretsOf(role) }, { kind: 'sql', params: { ...params, ...more } });

  it('passes through a role that only reads, with counts, digests and a finding', async () => {
    const more = {
      schemas: ['public', 'closed', 'nowhere'],
      digests: { content: 'select * from documents order by id' },
      expect: { documents: { equals: 2 } },
    };
    const { status, text, evidence } = await ask('reader', more);
    expect(status, text).to.equal('PASS');
    expect(evidence.result).to.have.nested.property('observation.counts').that.deep.equals({ documents: 2 });
    expect(evidence.result).to.have.nested.property('observation.digests.content.rowCount', 2);
    expect(evidence.result)
      .to.have.nested.property('observation.unseen')
      .that.deep.equals([
        { schema: 'closed', why: 'no-usage' },
        { schema: 'nowhere', why: 'absent' },
      ]);
  });

  it('observes no more than it was asked for', async () => {
    const { evidence } = await ask('reader');
    const { observation } = evidence.result as unknown as { observation: object };
    expect(Object.keys(observation).sort()).to.deep.equal(['counts', 'dsn', 'engine', 'readOnly']);
  });

  it('fails through a role that could write, which it names', async () => {
    const { status, text } = await ask('owner');
    expect(status, text).to.equal('FAIL');
    expect(text).to.include('OWNER public.documents');
  });

  it('fails on a count that is not the one', async () => {
    const { status } = await ask('reader', { expect: { documents: { equals: 3 } } });
    expect(status).to.equal('FAIL');
  });

  it('is blocked by a query that fails, which it names', async () => {
    const { status, text } = await ask('reader', { queries: { gone: 'select count(*) from gone' } });
    expect(status).to.equal('BLOCKED');
    expect(text).to.include('query-failed: failed to run query \\"gone\\": 42P01');
  });

  it('P7: is blocked by a wrong password, which is in no evidence', async () => {
    const secrets = { governance_ro: server.url('reader', `${PASSWORD}!`) };
    const { status, text } = await askOnce({ secrets }, { kind: 'sql', params });
    expect(status, text).to.equal('BLOCKED');
    expect(text).to.include('data-source-refused');
    for (const spelling of [PASSWORD, encodeURIComponent(PASSWORD), '127.0.0.1']) expect(text).not.to.include(spelling);
  });

  it('is blocked where the host has no such secret, or the plan names none', async () => {
    const missing = await askOnce({ secrets: { governance_ro: undefined } }, { kind: 'sql', params });
    expect([missing.status, missing.text.includes('secret governance_ro')]).to.deep.equal(['BLOCKED', true]);
    const unnamed = await askOnce({ secrets: {} }, { kind: 'sql', params });
    expect([unnamed.status, unnamed.text.includes('secret-not-in-plan')]).to.deep.equal(['BLOCKED', true]);
  });

  it('is blocked by a secret that names no database, and tells nothing of it', async () => {
    const secrets = { governance_ro: 'mysql://reader:wintergreen@somewhere/live' };
    const { status, text } = await askOnce({ secrets }, { kind: 'sql', params });
    expect(status).to.equal('BLOCKED');
    expect(text).to.include('data-source-malformed').and.not.include('somewhere');
  });

  it('is lost where the server cannot be reached, or the agent stops', async () => {
    const secrets = { governance_ro: 'postgres://reader:x@127.0.0.1:1/live' };
    const away = await askOnce({ secrets }, { kind: 'sql', params });
    expect([away.status, away.text.includes('ECONNREFUSED')]).to.deep.equal(['UNKNOWN', true]);
    const context = { signal: AbortSignal.abort() };
    const stopped = await askOnce({ secrets: secretsOf('reader') }, { kind: 'sql', params, context });
    expect([stopped.status, stopped.evidence.result.did]).to.deep.equal(['UNKNOWN', 'lose']);
  });

  it('passes over a SQLite file', async () => {
    await using world = new CheckWorld({});
    const path = join(world.rootPrefix, 'live.db');
    const database = new Database(path);
    database.exec('create table documents (id int); insert into documents values (1)');
    database.close();
    const secrets = { governance_ro: `sqlite://${path}` };
    const { status, text } = await askOnce({ secrets }, { kind: 'sql', params });
    expect(status, text).to.equal('PASS');
    expect(text).to.include('"counts":{"documents":1}').and.not.include(path);
  });

  it('is known to an agent that holds no driver of PostgreSQL in memory', () => {
    const loaded = (then: string) =>
      execFileSync(process.execPath, [
        '--input-type=module',
        '-e',
        `import { createRequire } from 'node:module';
        const { planChecks } = await import(${JSON.stringify(PLAN_CHECKS)});
        ${then}
        const { cache } = createRequire(import.meta.url);
        console.log(planChecks.has('sql'), Object.keys(cache).some((path) => path.includes('/node_modules/pg/')));`,
      ]).toString();
    expect(loaded('')).to.equal('true false\n');
    const session = JSON.stringify(new URL('sql/postgres-session.ts', `file://${PLAN_CHECKS}`).href);
    expect(loaded(`await import(${session});`)).to.equal('true true\n');
  });
});
