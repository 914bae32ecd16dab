/** Where the passphrase of key files comes from: a file, or the terminal; never an argument, never the environment (P7). */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { RejectedError } from '../../shared/errors.ts';
import { UsageError } from '../../shared/service/failure.ts';

export interface PassphraseOptions {
  /** A file whose first line is the passphrase. */
  readonly passphraseFile?: string;
  /** False when `--no-passphrase` was said. */
  readonly passphrase?: boolean;
}

const LEAST_LENGTH = 8;

/** For new keys: asked twice on a terminal. Undefined only when `--no-passphrase` was said aloud. */
export async function newPassphrase(options: PassphraseOptions): Promise<string | undefined> {
  if (options.passphrase === false) {
    process.stderr.write('keyturn: --no-passphrase: key files are written UNENCRYPTED; whoever reads them can sign\n');
    return undefined;
  }
  const passphrase = options.passphraseFile !== undefined ? readPassphrase(options.passphraseFile) : await askTwice();
  if (passphrase.length >= LEAST_LENGTH) return passphrase;
  throw new UsageError(`the passphrase has ${passphrase.length} characters, expected at least ${LEAST_LENGTH}`);
}

/** For keys that exist: from the file, or undefined (and `loadKey` says when one is needed). */
export async function knownPassphrase(options: PassphraseOptions): Promise<string | undefined> {
  if (options.passphrase === false) return undefined;
  if (options.passphraseFile !== undefined) return readPassphrase(options.passphraseFile);
  return undefined;
}

/** Runs `use` without a passphrase first; asks on the terminal only when a key turns out to be encrypted. */
export async function withPassphrase<T>(
  options: PassphraseOptions,
  use: (passphrase: string | undefined) => T,
): Promise<T> {
  const known = await knownPassphrase(options);
  try {
    return use(known);
  } catch (error) {
    const isNeeded = error instanceof RejectedError && error.code === 'passphrase-needed';
    if (!isNeeded || known !== undefined || !process.stdin.isTTY) throw error;
    return use(await ask('passphrase: '));
  }
}

function readPassphrase(path: string): string {
  const [line = ''] = readFileSync(path, 'utf8').split(/\r?\n/);
  return line;
}

async function askTwice(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'a passphrase is needed and there is no terminal to ask on',
      'use --passphrase-file FILE, or say --no-passphrase',
    );
  }
  const [first, second] = [await ask('new passphrase for the key files: '), await ask('again: ')];
  if (first !== second) throw new UsageError('the two passphrases differ');
  return first;
}

async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve) => terminal.question('', resolve));
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
