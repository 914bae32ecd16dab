/** The live database of the demo: what the sample payload reads in its dry run, and changes once it is enabled. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import { type LivePostgres, startPostgres } from '../../test/support/live-postgres.ts';
import { PRODUCTION_SQL } from './payload-repository.ts';
import { makeDatabase, queryDatabase } from './programs.ts';
import { PRODUCTION_FOLDER } from './sqlite-config.ts';

export interface Production {
  /** By the name of the secret. */
  readonly secrets: Readonly<Record<string, string>>;
  /** How many information units are stored. */
  rows(): Promise<number>;
  /** Of the server, if there is one. */
  readonly pid?: number;
  stop(): Promise<void>;
  /** Folders outside of the demo's own, for whoever keeps it. */
  readonly folders: readonly string[];
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
    folders: [],
  };
}

/**
 * SQLite has no roles, so there are two files: one that the live entrypoints write, and a copy for the dry run that no process
 * may write. The copy stands where a sandbox does not put folders of its own in the place of what is there.
 */
export function sqliteProduction(hostPrefix: string): Production {
  const folder = join(hostPrefix, PRODUCTION_FOLDER);
  mkdirSync(folder, { recursive: true });
  const written = join(folder, 'production.sqlite');
  makeDatabase(written, [PRODUCTION_SQL.schema, PRODUCTION_SQL.seed]);
  // The payload runs as a user of its own, another one each time.
  chmodSync(folder, 0o777);
  chmodSync(written, 0o666);
  const copies = folderInSight();
  const read = join(copies, 'production.sqlite');
  copyFileSync(written, read);
  chmodSync(read, 0o644);
  return {
    secrets: { governance_ro: `sqlite://${read}`, governance_rw: `sqlite://${written}` },
    rows: async () => queryDatabase(written, COUNT),
    stop: async () => rmSync(copies, { recursive: true, force: true }),
    folders: [copies],
  };
}

/** Below none of the folders that a sandbox hides: `/tmp`, `/home`, `/root`, `/run`, `/var/tmp`, `/media` and `/mnt`. */
const IN_SIGHT = ['/var/lib', '/srv', '/opt'];

function folderInSight(): string {
  for (const parent of IN_SIGHT) {
    try {
      const folder = mkdtempSync(join(parent, 'keyturn-demo-'));
      chmodSync(folder, 0o755);
      return folder;
    } catch (error) {
      if (!['EACCES', 'ENOENT', 'EROFS'].includes(systemCodeOf(error) ?? '')) throw error; // the next may do
    }
  }
  throw new TransientError(`failed to make a folder in ${IN_SIGHT.join(', ')}`, {
    hint: 'run the demo as root, or without --sqlite',
  });
}

async function letIn(role: string, server: LivePostgres): Promise<string> {
  const password = `${role}-of-the-demo`;
  await server.query(`alter role ${role} password '${password}'`);
  return server.url(role, password);
}
