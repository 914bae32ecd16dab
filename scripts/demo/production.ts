/** The live database of the demo: what the sample payload reads in its dry run, and changes once it is enabled. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LivePostgres, startPostgres } from '../../test/support/live-postgres.ts';
import { PRODUCTION_SQL } from './payload-repository.ts';
import { makeDatabase, queryDatabase } from './programs.ts';

export interface Production {
  /** By the name of the secret. */
  readonly secrets: Readonly<Record<string, string>>;
  /** How many information units are stored. */
  rows(): Promise<number>;
  /** Of the server, if there is one. */
  readonly pid?: number;
  stop(): Promise<void>;
}

const COUNT = 'select count(*) as rows from information_units';

/** A PostgreSQL with the two roles of the payload, reached over loopback. */
export async function postgresProduction({ isKept }: { isKept: boolean }): Promise<Production> {
  const server = await startPostgres({ lifetime: isKept ? 'until-stopped' : 'with-its-starter' });
  await server.query(readFileSync(PRODUCTION_SQL.schema, 'utf8'));
  await server.query(readFileSync(PRODUCTION_SQL.seed, 'utf8'));
  await server.query(readFileSync(PRODUCTION_SQL.roles, 'utf8'));
  const roles = ['governance_ro', 'governance_rw'];
  const secrets = await Promise.all(roles.map(async (role) => [role, await letIn(role, server)] as const));
  return {
    secrets: Object.fromEntries(secrets),
    rows: async () => Number((await server.query(COUNT))[0]?.rows),
    pid: server.pid,
    stop: () => server.stop(),
  };
}

/** A SQLite file that both secrets point at. */
export function sqliteProduction(folder: string): Production {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'production.sqlite');
  makeDatabase(path, [PRODUCTION_SQL.schema, PRODUCTION_SQL.seed]);
  // The payload runs as a user of its own, and a journal is made beside the file.
  chmodSync(folder, 0o777);
  chmodSync(path, 0o666);
  const url = `sqlite://${path}`;
  return {
    secrets: { governance_ro: url, governance_rw: url },
    rows: async () => queryDatabase(path, COUNT),
    stop: async () => undefined,
  };
}

async function letIn(role: string, server: LivePostgres): Promise<string> {
  const password = `${role}-of-the-demo`;
  await server.query(`alter role ${role} password '${password}'`);
  return server.url(role, password);
}
