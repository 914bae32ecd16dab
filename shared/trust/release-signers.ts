/** Whose signatures stand on the trusted metadata that lists an application's releases. */
import { RejectedError } from '../errors.ts';
import { fileNameOf, releaseRoleOf, type TargetsSigned, type TufMetadata } from './tuf-metadata.ts';
import type { TrustedMetadata } from './tuf-refresh.ts';

/**
 * Public keys in hexadecimal, sorted. A signature that does not verify would only name one person too many. Errors:
 * `RejectedError('metadata-not-trusted')` where no trusted role lists releases of the application.
 */
export function releaseSigners(trusted: TrustedMetadata, app: string): string[] {
  const role = releaseRoleOf(app);
  const { signatures } = read(trusted, role);
  const { delegations } = read(trusted, 'targets').signed;
  const delegation = delegations?.roles.find(({ name }) => name === role);
  const signed = new Set(signatures.map(({ keyid }) => keyid));
  const keys = (delegation?.keyids ?? []).filter((id) => signed.has(id)).map((id) => delegations?.keys[id]);
  return keys.flatMap((key) => (key ? [key.keyval.public] : [])).sort();
}

function read(trusted: TrustedMetadata, role: string): TufMetadata<TargetsSigned> {
  const bytes = trusted.get(fileNameOf(role));
  if (bytes) return JSON.parse(Buffer.from(bytes).toString('utf8')) as TufMetadata<TargetsSigned>;
  throw new RejectedError('metadata-not-trusted', `failed to find who signs releases: there is no trusted "${role}"`);
}
