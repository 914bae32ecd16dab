import { RejectedError } from '../../shared/errors.ts';
import type { HostKeyRow, HostRow, Store } from './schema.ts';

export interface HostRecord extends HostRow {
  /** SPKI PEM of its present incarnation; null before it has joined. */
  readonly ledger_public_key: string | null;
}

/** Makes the host known; it may be known already. */
export async function addHost(store: Store, name: string, now: number): Promise<void> {
  await store
    .insertInto('hosts')
    .values({ name, created_at: now, incarnation: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}

export async function findHost(store: Store, name: string): Promise<HostRecord | undefined> {
  return hostQuery(store).where('hosts.name', '=', name).executeTakeFirst();
}

export async function listHosts(store: Store): Promise<HostRecord[]> {
  return hostQuery(store).orderBy('hosts.name').execute();
}

/** The host, which has joined and was not revoked. Errors: `host-unknown`, `host-revoked`, `host-not-enrolled`. */
export async function admittedHost(store: Store, name: string): Promise<HostRecord & { ledger_public_key: string }> {
  const host = await findHost(store, name);
  if (host === undefined) {
    throw new RejectedError('host-unknown', `failed to find host "${name}"`, {
      hint: 'see the hosts with `keyturn host list`',
    });
  }
  if (host.revoked_at !== null)
    throw new RejectedError('host-revoked', `failed to admit host "${name}": it is revoked`);
  if (host.ledger_public_key === null) {
    throw new RejectedError('host-not-enrolled', `failed to admit host "${name}": it has not joined`);
  }
  return { ...host, ledger_public_key: host.ledger_public_key };
}

/**
 * Registers the key that signs the host's ledgers, and lifts a revocation: whoever made the new join token meant it.
 * A new key begins a new incarnation, whose logs are empty; the same key goes on where the host was. Tells whether a new
 * one begins.
 */
export async function registerHost(
  store: Store,
  { name, key, now }: { name: string; key: string; now: number },
): Promise<boolean> {
  const host = await hostQuery(store).where('hosts.name', '=', name).executeTakeFirstOrThrow();
  const incarnation = host.ledger_public_key === key ? host.incarnation : host.incarnation + 1;
  await store
    .updateTable('hosts')
    .set({ enrolled_at: now, revoked_at: null, incarnation })
    .where('name', '=', name)
    .execute();
  await store
    .insertInto('host_keys')
    .values({ host: name, incarnation, ledger_public_key: key, registered_at: now })
    .onConflict((conflict) => conflict.columns(['host', 'incarnation']).doNothing())
    .execute();
  return incarnation !== host.incarnation;
}

/** False when there is no such host. */
export async function revokeHost(store: Store, name: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('hosts')
    .set({ revoked_at: now })
    .where('name', '=', name)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function recordSighting(
  store: Store,
  name: string,
  sighting: { lastSeenAt: number; clockAt: number | undefined; agentVersion: string },
): Promise<void> {
  const clock = sighting.clockAt === undefined ? {} : { clock_at: sighting.clockAt };
  await store
    .updateTable('hosts')
    .set({ last_seen_at: sighting.lastSeenAt, agent_version: sighting.agentVersion, ...clock })
    .where('name', '=', name)
    .execute();
}

/** The key of one incarnation: ledgers outlive the key that signed them. */
export async function ledgerKeyOf(store: Store, host: string, incarnation: number): Promise<HostKeyRow | undefined> {
  return store
    .selectFrom('host_keys')
    .selectAll()
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst();
}

function hostQuery(store: Store) {
  return store
    .selectFrom('hosts')
    .leftJoin('host_keys', (join) =>
      join.onRef('host_keys.host', '=', 'hosts.name').onRef('host_keys.incarnation', '=', 'hosts.incarnation'),
    )
    .selectAll('hosts')
    .select('host_keys.ledger_public_key');
}
