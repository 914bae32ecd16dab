/** `keyturn trust rotate`. */

import type { Command } from 'commander';
import { UsageError } from '../../../shared/service/failure.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import type { TopLevelRole } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { changeTargets, createSnapshot, keyholdersOf, rotateRoot } from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { validUntil } from '../ceremony.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { expiredLines } from '../expired-metadata.ts';
import { outputOf } from '../output.ts';
import { newPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { type Change, publishChange, refreshHome, trustedRole } from '../publication.ts';

/** The control plane holds the timestamp's key. */
type RotatableRole = Exclude<TopLevelRole, 'timestamp'>;

export async function rotate(role: string, command: Command): Promise<void> {
  if (!isRotatable(role)) throw new UsageError(`role "${role}": expected root, targets or snapshot`);
  const output = outputOf(command);
  const home = homeOf(command);
  const options = command.optsWithGlobals() as PassphraseOptions;
  const held = await withPassphrase(options, (passphrase) => ({
    root: home.loadKeys('root', passphrase),
    // A new root changes nothing that the snapshot lists, and need not be signed on the machine that holds that key.
    snapshot: role === 'root' ? [] : home.loadKeys('snapshot', passphrase),
  }));
  const passphrase = await newPassphrase(options, output);
  const { fresh, version, expired } = await withControlPlane(command, 'releaser', async (publisher) => {
    const { trusted } = await refreshHome(publisher, RENEWING);
    const { signed } = checkMetadata('root', trustedRole(trusted, 'root'));
    const keys = keyholdersOf(signed, role).keys.map(() => generateKey());
    const published = await home.replaceKeys(role, { keys, passphrase }, () =>
      publishChange(publisher, (trusted) => rotation(trusted, { role, held, fresh: keys }), RENEWING),
    );
    return { fresh: keys, version: signed.version + 1, expired: published.expired };
  });
  output.result({ role, keyIds: fresh.map(({ keyId }) => keyId), rootVersion: version, expired }, () => [
    `${role}: ${fresh.length} new key${fresh.length === 1 ? '' : 's'}, root version ${version}`,
    ...fresh.map(({ keyId }) => `  ${keyId}`),
    ...expiredLines(expired),
  ]);
}

/** Whichever role is rotated: the root names its keys, and is signed anew. */
const RENEWING = { renewing: 'root' } as const;

interface RotationKeys {
  readonly role: RotatableRole;
  readonly held: { readonly root: readonly SigningKey[]; readonly snapshot: readonly SigningKey[] };
  /** The new keys of the role. */
  readonly fresh: readonly SigningKey[];
}

/** A new root; what the rotated role itself signs is signed anew with the keys that now count. */
function rotation(trusted: TrustedMetadata, keys: RotationKeys): Change {
  const { role, held, fresh } = keys;
  const now = new Date();
  const { signed } = checkMetadata('root', trustedRole(trusted, 'root'));
  const { threshold } = keyholdersOf(signed, role);
  const signers = role === 'root' ? [...held.root, ...fresh] : held.root;
  const root = rotateRoot(
    trustedRole(trusted, 'root'),
    { [role]: { keys: fresh, threshold } },
    { expiresAt: validUntil(now, 'root'), signers },
  );
  return { metadata: new Map([['root', root], ...resigned(trusted, { keys, now })]), targets: new Map() };
}

function resigned(trusted: TrustedMetadata, { keys, now }: { keys: RotationKeys; now: Date }): [string, Uint8Array][] {
  const { role, held, fresh } = keys;
  if (role === 'root') return [];
  const changed: [string, Uint8Array][] =
    role === 'targets' ? [['targets', renewedTargets(trusted, { signers: fresh, now })]] : [];
  const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), new Map(changed), {
    expiresAt: validUntil(now, 'snapshot'),
    signers: role === 'snapshot' ? fresh : held.snapshot,
  });
  return [...changed, ['snapshot', snapshot]];
}

function renewedTargets(
  trusted: TrustedMetadata,
  { signers, now }: { signers: readonly SigningKey[]; now: Date },
): Buffer {
  return changeTargets(trustedRole(trusted, 'targets'), {}, { expiresAt: validUntil(now, 'targets'), signers });
}

function isRotatable(role: string): role is RotatableRole {
  return role === 'root' || role === 'targets' || role === 'snapshot';
}
