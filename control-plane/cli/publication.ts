/**
 * Publishing signed metadata from the machine that holds the keys: refresh, change, sign, offer; and again when somebody
 * else was quicker.
 */
import { RejectedError } from '../../shared/errors.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import { fileNameOf, versionOf } from '../../shared/trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import type { OperatorClient } from './client.ts';
import type { Home } from './home.ts';

export interface Change {
  /** New metadata by role: `release-app`, `snapshot`, `targets`, `root`. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  /** New targets by path. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
}

export interface Publisher {
  readonly home: Home;
  readonly client: OperatorClient;
  readonly source: TrustSource;
}

const ATTEMPTS = 8;

/**
 * Publishes what `change` makes of the newest trusted metadata. Errors: those of the refresh and of the control plane;
 * `publication-outdated` when others were quicker eight times in a row.
 */
export async function publishChange(
  publisher: Publisher,
  change: (trusted: TrustedMetadata) => Change,
  targets: readonly string[] = [],
): Promise<TrustedMetadata> {
  for (let attempt = 1; ; attempt += 1) {
    const { metadata, targets: files } = change(await refreshHome(publisher, targets));
    try {
      await publisher.client.publish({
        metadata: [...metadata].map(([role, content]) => ({
          name: versionedName(role, content),
          content: Buffer.from(content),
        })),
        targets: [...files].map(([name, content]) => ({ name, content: Buffer.from(content) })),
      });
      return await refreshHome(publisher, targets);
    } catch (error) {
      const isOutdated = error instanceof RejectedError && error.code === 'publication-outdated';
      if (!isOutdated || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Refreshes the trust metadata of this machine from the control plane and saves it. `targets` are looked up on the way,
 * so that the roles that list them are refreshed, too. Errors: what the refresh failed with.
 */
export async function refreshHome(
  { home, source }: Pick<Publisher, 'home' | 'source'>,
  targets: readonly string[] = [],
): Promise<TrustedMetadata> {
  const trusted = home.loadTrust();
  const refreshed = await refreshTrust({
    trusted,
    source,
    targets: targets.length > 0 ? targets : 'top-level',
    rules: 'keyturn',
  });
  home.saveTrust(refreshed.trusted);
  if (refreshed.outcome.kind === 'failed') throw refreshed.outcome.error;
  return refreshed.trusted;
}

/** The bytes of a role in the trusted set. Errors: `RejectedError('role-unknown')`. */
export function trustedRole(trusted: TrustedMetadata, role: string): Uint8Array {
  const bytes = trusted.get(fileNameOf(role));
  if (bytes) return bytes;
  throw new RejectedError('role-unknown', `failed to find role "${role}" in the trust metadata of this machine`);
}

function versionedName(role: string, bytes: Uint8Array): string {
  return `${versionOf(bytes)}.${fileNameOf(role)}`;
}
