/** `keyturn doctor`: what is wrong here, and what mends it. */

import type { Command } from 'commander';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong here, and the command that mends it; nothing is changed')
    .addHelpText('after', '\nExit codes: 0 when nothing is in trouble (warnings may be), 69 when something is.')
    .action(async (_options, command: Command) => {
      const { doctor } = await import('../actions/doctor.ts');
      await doctor(command);
    });
}
