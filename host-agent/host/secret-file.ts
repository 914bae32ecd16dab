/** One file that holds a secret: what is opened is looked at, and read only if it is what it should be (P7). */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { RejectedError, systemCodeOf } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { NAME_PATTERN } from '../../shared/release/plan.ts';

export interface SecretFile {
  readonly path: string;
  /** Throws for a file that others could have read or written. */
  readonly check: (name: string, file: { facts: Stats; path: string }) => void;
}

/**
 * The secret's bytes, or undefined when there is no such file. Errors: `RejectedError` with `secret-not-a-file`, `secret-not-readable`,
 * `secret-empty` or `secret-too-large`, and those of `check`.
 */
export function readSecretFile(name: string, { path, check }: SecretFile): Uint8Array | undefined {
  const file = openIfThere(name, path);
  if (file === undefined) return undefined;
  try {
    // What was opened is looked at, not what stands at the path by then.
    const facts = fstatSync(file);
    if (!facts.isFile()) throw refused('secret-not-a-file', name, 'expected a plain file');
    check(name, { facts, path });
    checkSecretSize(name, facts.size);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Errors: `RejectedError('secret-name-malformed')`. */
export function secretPath(folder: string, name: string): string {
  if (NAME_PATTERN.test(name)) return join(folder, name);
  throw refused('secret-name-malformed', name, `expected a name that matches ${NAME_PATTERN}`);
}

/** Errors: `RejectedError` with `secret-empty` or `secret-too-large`. */
export function checkSecretSize(name: string, bytes: number): void {
  // Nothing can be redacted of a secret that is nothing.
  if (bytes === 0) throw refused('secret-empty', name, 'it has no byte');
  if (bytes <= LIMITS.secretBytes) return;
  throw refused('secret-too-large', name, `expected at most ${LIMITS.secretBytes} bytes, got ${bytes}`);
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

function refused(code: Lowercase<string>, name: string, fact: string): RejectedError {
  return new RejectedError(code, `failed to use secret ${JSON.stringify(name)}: ${fact}`);
}
