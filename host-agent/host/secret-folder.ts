/** The secrets of this host: one file each, named as plans name them, readable by the agent's user alone (P7). */
import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { RejectedError, systemCodeOf } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { NAME_PATTERN } from '../../shared/release/plan.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import type { SecretSource } from '../checks/observe.ts';

export class SecretFolder implements SecretSource {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Errors: `RejectedError('secret-open-to-others')` for a file that others may read, or that is no plain file. */
  read(name: string): Uint8Array | undefined {
    const path = this.#path(name);
    const facts = lstatIfThere(path);
    if (!facts) return undefined;
    if (!facts.isFile() || (facts.mode & 0o077) !== 0 || facts.size > LIMITS.secretBytes) {
      throw new RejectedError(
        'secret-open-to-others',
        `failed to read secret "${name}": expected a plain file of mode 0600 with at most ${LIMITS.secretBytes} bytes`,
        {
          hint: `chmod 600 ${path}`,
        },
      );
    }
    return readFileSync(path);
  }

  write(name: string, value: Uint8Array): void {
    makeDirectory(this.#folder, { mode: 0o700 });
    writeFileAtomic(this.#path(name), value, { mode: 0o600 });
  }

  #path(name: string): string {
    if (!NAME_PATTERN.test(name)) {
      throw new RejectedError('secret-name-malformed', `failed to name secret "${name}": expected ${NAME_PATTERN}`);
    }
    return join(this.#folder, name);
  }
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
