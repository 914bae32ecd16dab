import type { CertificateRow, Store } from './schema.ts';

export type NewCertificate = Omit<CertificateRow, 'revoked_at' | 'role'> & Partial<Pick<CertificateRow, 'role'>>;

export async function addCertificate(store: Store, certificate: NewCertificate): Promise<void> {
  await store.insertInto('certificates').values(certificate).execute();
}

export async function findCertificate(store: Store, serial: string): Promise<CertificateRow | undefined> {
  return store.selectFrom('certificates').selectAll().where('serial', '=', serial).executeTakeFirst();
}

/** Everything that was issued to people and pipelines, by name, then by age. */
export async function listOperatorCertificates(store: Store): Promise<CertificateRow[]> {
  return store
    .selectFrom('certificates')
    .selectAll()
    .where('kind', '=', 'operator')
    .orderBy('subject')
    .orderBy('issued_at')
    .orderBy('serial')
    .execute();
}

/** False when there is no such certificate, or it was revoked before. */
export async function revokeCertificate(store: Store, serial: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('certificates')
    .set({ revoked_at: now })
    .where('serial', '=', serial)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Revokes every certificate that a host has. */
export async function revokeHostCertificates(store: Store, host: string, now: number): Promise<void> {
  await store
    .updateTable('certificates')
    .set({ revoked_at: now })
    .where('kind', '=', 'host')
    .where('subject', '=', host)
    .where('revoked_at', 'is', null)
    .execute();
}

/** Forgets the certificates of a host that have expired: nobody can come in with them, and a host makes one a day. */
export async function forgetExpiredHostCertificates(store: Store, host: string, now: number): Promise<void> {
  await store
    .deleteFrom('certificates')
    .where('kind', '=', 'host')
    .where('subject', '=', host)
    .where('expires_at', '<=', now)
    .execute();
}

/** When the last of a host's valid certificates expires; undefined when it has none. */
export async function lastHostExpiry(store: Store, host: string): Promise<number | undefined> {
  const row = await store
    .selectFrom('certificates')
    .select(({ fn }) => fn.max('expires_at').as('last'))
    .where('kind', '=', 'host')
    .where('subject', '=', host)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row?.last ?? undefined;
}
