/** Where the passphrase of key files comes from: a file, or the terminal; never an argument, never the environment (P7). */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { RejectedError } from '../../shared/errors.ts';
import { UsageError } from '../../shared/service/failure.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import type { CommandOutput } from './output.ts';

export interface PassphraseOptions {
  /** A file whose first line is the passphrase. */
  readonly passphraseFile?: string;
  /** False when `--no-passphrase` was said. */
  readonly passphrase?: boolean;
}

const LEAST_LENGTH = 8;

/** For new keys: asked twice on a terminal. Undefined only when `--no-passphrase` was said aloud. Errors: `UsageError`. */
export async function newPassphrase(
  options: PassphraseOptions,
  { warn }: Pick<CommandOutput, 'warn'>,
): Promise<string | undefined> {
  if (options.passphrase === false) {
    warn('--no-passphrase: key files are written UNENCRYPTED; whoever reads them can sign');
    return undefined;
  }
  const passphrase = options.passphraseFile !== undefined ? readPassphrase(options.passphraseFile) : await askTwice();
  if (passphrase.length >= LEAST_LENGTH) return passphrase;
  throw new UsageError(`the passphrase has ${passphrase.length} characters, expected at least ${LEAST_LENGTH}`);
}

/** For keys that exist: runs `use` without a passphrase first; asks on the terminal only when a key is encrypted. */
export async function withPassphrase<T>(
  options: PassphraseOptions,
  use: (passphrase: string | undefined) => T,
): Promise<T> {
  const known = options.passphraseFile === undefined ? undefined : readPassphrase(options.passphraseFile);
  try {
    return use(known);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    if (error.code === 'passphrase-wrong') throw notOpened(error, options);
    if (error.code !== 'passphrase-needed') throw error;
    if (options.passphrase === false || !process.stdin.isTTY) throw unanswered(error);
    return use(await ask('passphrase: '));
  }
}

function notOpened(error: RejectedError, { passphraseFile }: PassphraseOptions): RejectedError {
  return new RejectedError(error.code, error.message, {
    hint: `the first line of "${passphraseFile}" is not what the key was encrypted with`,
  });
}

function unanswered(error: RejectedError): RejectedError {
  return new RejectedError('passphrase-needed', `${error.message}, and there is no terminal to ask on`, {
    cause: error,
    hint: 'name a file whose first line is the passphrase: --passphrase-file FILE',
  });
}

function readPassphrase(path: string): string {
  const [line = ''] = readInputFile(path, 'passphrase file').toString('utf8').split(/\r?\n/);
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
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Only now the terminal shows nothing of what is typed: whoever sees the question may answer.
  process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      // By Ctrl-C and Ctrl-D, which are no answer.
      terminal.once('close', () => reject(new UsageError('no passphrase was given')));
      terminal.question('', resolve);
    });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
