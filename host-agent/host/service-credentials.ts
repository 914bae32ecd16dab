/** What systemd hands to the agent's unit by `LoadCredential=` and its sisters: one file each, in a folder of the unit's own. */
import type { Stats } from 'node:fs';
import { RejectedError } from '../../shared/errors.ts';
import type { SecretSource } from '../checks/observe.ts';
import { readSecretFile, secretPath } from './secret-file.ts';

export class ServiceCredentials implements SecretSource {
  readonly #folder: string;

  /** `folder` is what `$CREDENTIALS_DIRECTORY` says. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The secret's bytes, or undefined when there is none of that name. Errors: those of `SecretFolder.read`. */
  read(name: string): Uint8Array | undefined {
    return readSecretFile(name, { path: secretPath(this.#folder, name), check: checkHandedOver });
  }
}

/**
 * The file is root's or the agent's own, and nobody writes it. Its group may seem to read it: systemd lets the unit's user in by an
 * access control list, whose mask stands in the place of the group's rights.
 */
function checkHandedOver(name: string, { facts }: { facts: Stats }): void {
  const mode = facts.mode & 0o777;
  if ((mode & 0o027) === 0 && [0, process.geteuid?.()].includes(facts.uid)) return;
  throw new RejectedError(
    'secret-open-to-others',
    `failed to use secret "${name}": expected a credential of root or user ${process.geteuid?.()} that others can neither read nor write, got one of user ${facts.uid} with mode ${mode.toString(8)}`,
    { hint: 'let systemd make it: LoadCredential= or LoadCredentialEncrypted= in the unit of the agent' },
  );
}
