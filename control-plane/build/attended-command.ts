/**
 * Starts a program that has something to ask of the person in front of this one: a passphrase, a PIN, a touch. Never by a
 * shell. Unlike `run-command.ts`:
 *
 * 1. It stays in the terminal's session and foreground group, else it could not ask; Ctrl-C reaches both.
 * 2. Its standard input is this program's; what it says stands on the person's terminal, where there is one.
 * 3. It gets this person's whole environment: it is their program, with their settings.
 */
import { spawn } from 'node:child_process';
import { systemCodeOf } from '../../shared/errors.ts';
import type { CommandEnd } from './run-command.ts';

export interface AttendedRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

export interface AttendedResult {
  readonly end: CommandEnd;
  /** The last that it said on standard error; empty when it said it to the person. */
  readonly said: string;
}

const SAID_LENGTH = 2_000;

/** Runs it to its end; its standard output is thrown away. Never throws for what it does; `end` says it. */
export function runAttended({ argv, env, timeoutMs }: AttendedRequest): Promise<AttendedResult> {
  const [program = '', ...rest] = argv;
  const toPerson = process.stderr.isTTY ? 'inherit' : 'pipe'; // 2
  const child = spawn(program, rest, { env, shell: false, stdio: ['inherit', 'ignore', toPerson] }); // 1, 3
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_LENGTH);
  });
  return new Promise((resolve) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      // It turns the terminal's echo on again before it goes.
      child.kill('SIGTERM');
    }, timeoutMs);
    const finish = (end: CommandEnd): void => {
      clearTimeout(timer);
      resolve({ end: isLate ? { how: 'timed-out' } : end, said });
    };
    child.once('error', (error) => finish({ how: 'not-started', reason: systemCodeOf(error) ?? error.message }));
    child.once('close', (code, name) =>
      finish(code === null ? { how: 'signalled', signal: name ?? 'unknown' } : { how: 'exited', code }),
    );
  });
}
