/**
 * The ledger keys of hosts as this machine first saw them. The control plane relays a host's public key; pinned at first
 * sight, it cannot be exchanged later for one whose ledgers somebody else could write (P2).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { HOST_PATTERN } from '../../shared/rpc/peer-identity.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { parsePublicKey, publicKeyHex } from '../../shared/trust/keys.ts';

/**
 * The key by which this machine knows the host: the pinned one, or `shown`, which is pinned then. Errors: `RejectedError`
 * with `host-key-changed`, `host-name-invalid` or `key-is-not-ed25519`.
 */
export function pinnedHostKey(home: string, { host, shown }: { host: string; shown: string }): string {
  if (!HOST_PATTERN.test(host))
    throw new RejectedError('host-name-invalid', `failed to look up the key of host "${host}"`);
  const folder = join(home, 'hosts');
  const path = join(folder, `${host}.pem`);
  const { publicKeyPem, keyId } = parsePublicKey(shown, `the key of host "${host}"`);
  if (!existsSync(path)) {
    makeDirectory(folder, { mode: 0o700 });
    writeFileAtomic(path, publicKeyPem);
    return publicKeyPem;
  }
  const pinned = parsePublicKey(readFileSync(path, 'utf8'), path);
  if (publicKeyHex(pinned.publicKeyPem) === publicKeyHex(publicKeyPem)) return pinned.publicKeyPem;
  throw new RejectedError(
    'host-key-changed',
    `failed to read a ledger of host "${host}": it is signed by key "${keyId}", expected "${pinned.keyId}"`,
    { hint: `if the host was enrolled anew, make sure of it there, then remove ${path}` },
  );
}
