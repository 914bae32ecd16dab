/** The secrets of this host: one file each, named as plans name them, readable by the agent's user alone (P7). */
import type { Stats } from 'node:fs';
import { RejectedError } from '../../shared/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import type { SecretSource } from '../checks/observe.ts';
import { checkSecretSize, readSecretFile, secretPath } from './secret-file.ts';

export class SecretFolder implements SecretSource {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The secret's bytes, or undefined when there is none of that name. Errors: `RejectedError` with
   * `secret-name-malformed`, `secret-not-a-file`, `secret-not-readable`, `secret-open-to-others`, `secret-empty` or `secret-too-large`.
   */
  read(name: string): Uint8Array | undefined {
    return readSecretFile(name, { path: secretPath(this.#folder, name), check: checkOwn });
  }

  /** Errors: `RejectedError` with `secret-name-malformed`, `secret-empty` or `secret-too-large`; `TransientError`. */
  write(name: string, value: Uint8Array): void {
    const path = secretPath(this.#folder, name);
    checkSecretSize(name, value.byteLength);
    makeDirectory(this.#folder, { mode: 0o700 });
    writeFileAtomic(path, value, { mode: 0o600 });
  }
}

function checkOwn(name: string, { facts, path }: { facts: Stats; path: string }): void {
  const mode = facts.mode & 0o777;
  if ((mode & 0o077) === 0 && facts.uid === process.geteuid?.()) return;
  throw new RejectedError(
    'secret-open-to-others',
    `failed to use secret "${name}": expected a file of user ${process.geteuid?.()} with mode 600, got one of user ${facts.uid} with mode ${mode.toString(8)}`,
    { hint: `chown ${process.geteuid?.()} ${path} && chmod 600 ${path}` },
  );
}
