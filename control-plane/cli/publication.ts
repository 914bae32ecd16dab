/**
 * Publishing signed metadata from the machine that holds the keys: refresh, change, sign, offer; and again when somebody
 * else was quicker.
 */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import { fileNameOf, versionOf } from '../../shared/trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { releasersOf } from '../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { OperatorClient } from './client.ts';
import { checkInForce, type Renewing } from './expired-metadata.ts';
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

export interface RefreshOptions {
  /** Looked up on the way, so that the roles that list them are refreshed, too. */
  readonly targets?: readonly string[];
  /** What is signed with the result; `none` by default. */
  readonly renewing?: Renewing;
}

export interface HomeTrust {
  readonly trusted: TrustedMetadata;
  /** Roles that have run out, as far as `renewing` lets them. */
  readonly expired: readonly string[];
}

const ATTEMPTS = 8;

/**
 * Publishes what `change` makes of the newest trusted metadata; gives what is trusted then. Errors: those of
 * `refreshHome` and of the control plane; `publication-outdated` when others were quicker eight times in a row.
 */
export async function publishChange(
  publisher: Publisher,
  change: (trusted: TrustedMetadata) => Change,
  options: RefreshOptions = {},
): Promise<HomeTrust> {
  for (let attempt = 1; ; attempt += 1) {
    const { metadata, targets: files } = change((await refreshHome(publisher, options)).trusted);
    try {
      await publisher.client.publish({
        metadata: [...metadata].map(([role, content]) => ({
          name: versionedName(role, content),
          content: Buffer.from(content),
        })),
        targets: [...files].map(([name, content]) => ({ name, content: Buffer.from(content) })),
      });
    } catch (error) {
      const isOutdated = error instanceof RejectedError && error.code === 'publication-outdated';
      if (!isOutdated || attempt === ATTEMPTS) throw error;
      continue;
    }
    return refreshPublished(publisher, options);
  }
}

/** What is published stays so, whatever comes now: a refusal would tell callers to take their new keys back. */
async function refreshPublished(publisher: Publisher, options: RefreshOptions): Promise<HomeTrust> {
  try {
    return await refreshHome(publisher, options);
  } catch (cause) {
    if (!(cause instanceof RejectedError)) throw cause;
    throw new TransientError('published, but failed to read it back', {
      cause,
      hint: 'it counts from now on; see what stands there with `keyturn trust show`',
    });
  }
}

/**
 * Refreshes the trust metadata of this machine from the control plane and saves it: everything that was verified, also
 * when something in it has run out. Errors: what the refresh failed with; those of `checkInForce`.
 */
export async function refreshHome(
  { home, source }: Pick<Publisher, 'home' | 'source'>,
  { targets = [], renewing = 'none' }: RefreshOptions = {},
): Promise<HomeTrust> {
  const { trusted, expired, outcome } = await refreshTrust({
    trusted: home.loadTrust(),
    source,
    targets: targets.length > 0 ? targets : 'top-level',
    rules: 'keyturn',
    expiry: 'told',
  });
  home.saveTrust(trusted);
  if (outcome.kind === 'failed') throw outcome.error;
  checkInForce(expired, renewing);
  return { trusted, expired };
}

/** The bytes of a role in the trusted set. Errors: `RejectedError('role-unknown')`. */
export function trustedRole(trusted: TrustedMetadata, role: string): Uint8Array {
  const bytes = trusted.get(fileNameOf(role));
  if (bytes) return bytes;
  throw new RejectedError('role-unknown', `failed to find role "${role}" in the trust metadata of this machine`);
}

/** A path for each application that the trusted targets delegate to: looking for it refreshes the role that would list it. */
export function pathsInEveryRole(trusted: TrustedMetadata): string[] {
  const targets = trusted.get(fileNameOf('targets'));
  if (targets === undefined) return [];
  return releasersOf(checkMetadata('targets', targets).signed).map(({ app }) => releaseTargetPath(app, '0'));
}

function versionedName(role: string, bytes: Uint8Array): string {
  return `${versionOf(bytes)}.${fileNameOf(role)}`;
}
