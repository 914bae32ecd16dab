/** `keyturn-agent apply`: follows an order that was carried to this host. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../shared/service/failure.ts';
import { MOST_AGE_DAYS } from '../local/messages.ts';

export function addApply(program: Command): void {
  program
    .command('apply <file>')
    .description('follow an order that `keyturn carry order` wrote, with no control plane in reach')
    .option('--max-age <days>', 'use trust metadata although it ran out, at most so many days ago', days)
    .option('--out <file>', 'where the signed receipt goes, to be carried back')
    .option('--json', 'one JSON document instead of lines')
    .addHelpText('after', AFTERWARDS)
    .action(async (file: string, _options, command: Command) => {
      const { state, maxAge, out, json } = command.optsWithGlobals();
      const { apply } = await import('./apply.ts');
      const { exitCode, text } = await apply({
        stateDirectory: resolve(state),
        path: resolve(file),
        maxAgeDays: maxAge,
        out: out === undefined ? undefined : resolve(out),
        form: json ? 'json' : 'text',
      });
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}

function days(text: string): number {
  const count = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MOST_AGE_DAYS) return count;
  throw new UsageError(`--max-age "${text}": expected 1 to ${MOST_AGE_DAYS} days`);
}

const AFTERWARDS = `
The same checks as for an order over the network; nothing that this host trusts is rolled back.
Exit codes: 0 when the order was admitted, 69 when no agent runs, 77 when it was refused. The receipt says which, and is signed.`;
