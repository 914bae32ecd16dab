/** How a session with a real PostgreSQL ends, and that what it was opened with is told nowhere (P7). */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { type LivePostgres, startPostgres } from '../../../support/live-postgres.ts';
import { look, refusalOf, until } from './looking.ts';

/** Everything that a URL, a shell, a connection string or a redactor could stumble over. */
const PASSWORD = `p@ss:w/o?r#d%41 &=+"'\\[ü]`;
const SLEEPING = "select 1 from pg_stat_activity where application_name = 'keyturn' and wait_event = 'PgSleep'";
const asleep = { queries: { slow: 'select count(pg_sleep(1000))' } };

describe('a session with PostgreSQL', function () {
  this.timeout(120_000);
  let server: LivePostgres;
  let url: string;
  before(async () => {
    server = await startPostgres();
    await server.query(`create role reader login password '${PASSWORD.replaceAll("'", "''")}'`);
    await server.query('create table documents (x int); grant select on documents to reader');
    url = server.url('reader', PASSWORD);
  });
  after(() => server.stop());
  const isIdle = () => until(server, `select 1 where not exists (${SLEEPING})`);

  it('is opened with any password, over loopback and over a socket', async () => {
    const overSocket = `postgres://reader:${encodeURIComponent(PASSWORD)}@/postgres?host=${server.socketFolder}&port=${server.port}`;
    for (const source of [url, `${url}\n`, `${url}?sslmode=disable&application_name=x`, overSocket]) {
      expect((await look(source)).counts).to.deep.equal({ documents: 0 });
    }
  });

  it('takes nothing out of the environment of the agent', async () => {
    const planted = {
      PGOPTIONS: '-c default_transaction_read_only=off',
      PGUSER: 'postgres',
      PGHOST: 'nowhere',
      PGSSLMODE: 'require',
    };
    const before = Object.keys(planted).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, planted);
    try {
      expect((await look(url)).readOnly.isTransactionReadOnly).to.equal(true);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it('ends with the time of the check, and the server with it', async () => {
    const { code, text } = await refusalOf(look(url, { ...asleep, timeoutMs: 300 }));
    expect(code).to.equal('query-failed');
    expect(text).to.include('failed to run query "slow": 57014: canceling statement due to statement timeout');
    await isIdle();
  });

  it('ends with its time although a query before has lifted the limit', async () => {
    const lifting = `select count(set_config('statement_timeout', '0', false))`;
    const { code } = await refusalOf(look(url, { queries: { lifting, ...asleep.queries }, timeoutMs: 300 }));
    expect(code).to.equal('query-failed');
    await isIdle();
  });

  it('ends at the word of who asked, and the server stops what it is doing', async () => {
    const stop = new AbortController();
    const looking = refusalOf(look(url, { ...asleep, signal: stop.signal }));
    await until(server, SLEEPING);
    stop.abort(new Error('stopped by a kill'));
    expect((await looking).text).to.include('stopped by a kill');
    await isIdle();
  });

  it('is not even opened when it was to end before', async () => {
    const reason = new Error('stopped before');
    expect((await refusalOf(look(url, { signal: AbortSignal.abort(reason) }))).text).to.include('stopped before');
  });

  it('is lost when the server ends it', async () => {
    const looking = refusalOf(look(url, asleep));
    await until(server, SLEEPING);
    await server.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keyturn'");
    const { code, text } = await looking;
    expect(code).to.equal('TransientError');
    expect(text).to.include('failed to run query "slow": 57P01');
  });

  it('is lost when the server is gone in the middle of a query', async () => {
    const other = await startPostgres();
    try {
      await other.query("create role reader login password 'x'; create table documents (x int)");
      const looking = refusalOf(look(other.url('reader', 'x'), asleep));
      await until(other, SLEEPING);
      process.kill(other.pid, 'SIGQUIT');
      const { code, text } = await looking;
      expect(code).to.equal('TransientError');
      expect(text).to.include('failed to run query "slow"');
    } finally {
      await other.stop();
    }
  });

  it('is lost when the server never answers', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const { code, text } = await refusalOf(look(`postgres://reader:hush@127.0.0.1:${port}/x`, { timeoutMs: 200 }));
    expect(code).to.equal('TransientError');
    expect(text).to.include('failed to open a session').and.not.include('hush');
    silent.close();
  });

  const REFUSED: Record<string, readonly [source: () => string, code: string, says: string]> = {
    'a wrong password': [() => server.url('reader', `${PASSWORD}!`), 'data-source-refused', '28P01'],
    'a role that is not there': [() => server.url('nobody', PASSWORD), 'data-source-refused', '28P01'],
    'a database that is not there': [() => server.url('reader', PASSWORD, 'nowhere'), 'data-source-refused', '3D000'],
    'a server that is not there': [() => url.replace(/:\d+\//, ':1/'), 'TransientError', 'ECONNREFUSED'],
    'a socket that is not there': [() => `${url}?host=/nowhere`, 'TransientError', 'ENOENT'],
    'a server without TLS where it is asked for': [() => `${url}?sslmode=require`, 'TransientError', 'SSL'],
    'certificates that are not there': [
      () => `${url}?sslmode=verify-full&sslrootcert=/nowhere/${encodeURIComponent(PASSWORD)}`,
      'data-source-refused',
      'F0000',
    ],
  };

  it('is refused in seven ways', () => expect(Object.keys(REFUSED)).to.have.length(7));

  for (const [sentence, [source, code, says]] of Object.entries(REFUSED)) {
    it(`P7: tells of ${sentence}, and nothing of what it was opened with`, async () => {
      const told = await refusalOf(look(source()));
      expect(told.code, told.text).to.equal(code);
      expect(told.text).to.include(says);
      for (const spelling of [PASSWORD, encodeURIComponent(PASSWORD), source()])
        expect(told.text).not.to.include(spelling);
    });
  }

  it('P7: takes the password out of what the server says', async () => {
    const echo = `select count(*) from "${PASSWORD.replaceAll('"', '""')}"`;
    const { text } = await refusalOf(look(url, { queries: { echo } }));
    expect(text).to.include('[redacted]').and.not.include(PASSWORD);
  });
});
