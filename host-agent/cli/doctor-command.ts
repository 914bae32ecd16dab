/** `keyturn-agent doctor`: what is wrong on this host, and what mends it. */

import { resolve } from 'node:path';
import type { Command } from 'commander';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong on this host, and the command that mends it; nothing is changed')
    .option('--json', 'one JSON document instead of a table')
    .addHelpText('after', '\nExit codes: 0 when nothing is in trouble (warnings may be), 69 when something is.')
    .action(async (_options, command: Command) => {
      const { state, json } = command.optsWithGlobals();
      const { doctor } = await import('./doctor.ts');
      const { exitCode, text } = await doctor({ stateDirectory: resolve(state), form: json ? 'json' : 'table' });
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}
