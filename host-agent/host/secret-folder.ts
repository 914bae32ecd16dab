/** The secrets of this host: one file each, named as plans name them, readable by the agent's user alone (P7). */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
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

  /**
   * The secret's bytes, or undefined when there is none of that name. Errors: `RejectedError` with
   * `secret-name-malformed`, `secret-not-a-file`, `secret-not-readable`, `secret-open-to-others`, `secret-empty` or `secret-too-large`.
   */
  read(name: string): Uint8Array | undefined {
    const path = this.#path(name);
    const file = openIfThere(name, path);
    if (file === undefined) return undefined;
    try {
      // What was opened is looked at, not what stands at the path by then.
      checkFile(name, { facts: fstatSync(file), path });
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** Errors: `RejectedError` with `secret-name-malformed`, `secret-empty` or `secret-too-large`; `TransientError`. */
  write(name: string, value: Uint8Array): void {
    const path = this.#path(name);
    checkSize(name, value.byteLength);
    makeDirectory(this.#folder, { mode: 0o700 });
    writeFileAtomic(path, value, { mode: 0o600 });
  }

  #path(name: string): string {
    if (!NAME_PATTERN.test(name)) {
      throw refused('secret-name-malformed', name, `expected a name that matches ${NAME_PATTERN}`);
    }
    return join(this.#folder, name);
  }
}

/** Neither follows a link nor waits for whoever writes into a fifo. */
function openIfThere(name: string, path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    if (systemCodeOf(error) === 'ELOOP') throw refused('secret-not-a-file', name, 'expected a plain file, got a link');
    if (systemCodeOf(error) === 'EACCES') throw refused('secret-not-readable', name, "it is not the agent's own");
    throw error;
  }
}

function checkFile(name: string, { facts, path }: { facts: Stats; path: string }): void {
  if (!facts.isFile()) throw refused('secret-not-a-file', name, 'expected a plain file');
  const mode = facts.mode & 0o777;
  if ((mode & 0o077) !== 0 || facts.uid !== process.geteuid?.()) {
    throw new RejectedError(
      'secret-open-to-others',
      `failed to use secret "${name}": expected a file of user ${process.geteuid?.()} with mode 600, got one of user ${facts.uid} with mode ${mode.toString(8)}`,
      { hint: `chown ${process.geteuid?.()} ${path} && chmod 600 ${path}` },
    );
  }
  checkSize(name, facts.size);
}

function checkSize(name: string, bytes: number): void {
  // Nothing can be redacted of a secret that is nothing.
  if (bytes === 0) throw refused('secret-empty', name, 'it has no byte');
  if (bytes <= LIMITS.secretBytes) return;
  throw refused('secret-too-large', name, `expected at most ${LIMITS.secretBytes} bytes, got ${bytes}`);
}

function refused(code: Lowercase<string>, name: string, fact: string): RejectedError {
  return new RejectedError(code, `failed to use secret ${JSON.stringify(name)}: ${fact}`);
}
