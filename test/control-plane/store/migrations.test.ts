/** What stands in a store when programs of different ages open it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';

import { addCertificate, findCertificate } from '../../../control-plane/store/certificates.ts';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import { migrate, schemaVersion } from '../../../control-plane/store/migrations.ts';
import { refusedReports } from '../../../control-plane/store/refused-reports.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { codeOf } from '../../support/rejection-of.ts';

const WEB = { host: 'web-1', incarnation: 1 };

describe('control-plane/store/migrations', () => {
  let folder: string;
  let store: Store;
  const open = () => openSqliteStore(join(folder, 'store.sqlite'));
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-store-'));
    store = await open();
  });
  afterEach(async () => {
    await store.destroy();
    rmSync(folder, { recursive: true });
  });

  it('is not opened by a program that is older than its schema, and stays as it is', async () => {
    await sql`update schema_version set version = 6`.execute(store);
    expect(await codeOf(open())).to.equal('store-newer');
    expect(await schemaVersion(store as unknown as Kysely<unknown>)).to.equal(6);
  });

  it('keeps what was issued and reported before the second version of its schema', async () => {
    const untyped = store as unknown as Kysely<unknown>;
    const before = { serial: 'A', kind: 'operator', subject: 'old', issued_at: 1, expires_at: 2 } as const;
    for (const undo of [
      ...[
        'drill_rows',
        'drills',
        'drill_orders',
        'order_hosts',
        'order_receipts',
        'orders',
        'gates',
        'decisions',
        'live_runs',
      ].map((table) => sql`drop table ${sql.raw(table)}`),
      sql`drop table log_records`,
      sql`drop table log_nodes`,
      sql`drop table refused_reports`,
      sql`drop index certificates_of_subject`,
      sql`alter table certificates drop column role`,
      sql`update schema_version set version = 1`,
    ])
      await undo.execute(untyped);
    await addCertificate(store, before);
    await migrate(untyped, { name: 'sqlite' });
    expect(await findCertificate(store, 'A')).to.deep.equal({ ...before, role: null, revoked_at: null });
    expect(await refusedReports(store, WEB)).to.deep.equal({ count: 0, bytes: 0, lastCode: undefined });
  });
});
