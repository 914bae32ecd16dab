/** Asks a person at a terminal for a yes, and takes nothing else for one. */
import { createInterface } from 'node:readline/promises';
import { RejectedError } from '../../shared/errors.ts';

/** Errors: `not-confirmed`: another answer, or nobody there to ask. */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new RejectedError('not-confirmed', 'failed to ask: there is no terminal to answer on', {
      hint: 'read what is signed, and say --yes',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [yes/no] `);
    if (answer.trim() === 'yes') return;
    throw new RejectedError('not-confirmed', `not signed: expected "yes", got "${answer.trim().slice(0, 32)}"`);
  } finally {
    terminal.close();
  }
}
