/** `keyturn completion`: what shells complete. */

import { Argument, type Command } from 'commander';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description(
      'print the script by which a shell completes commands and options; its first lines say where to put it',
    )
    // The names of `SHELLS`, whose code is not loaded to declare them.
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: string, _options, command: Command) => {
      const { printCompletion } = await import('../actions/completion.ts');
      printCompletion(shell, { program, command });
    });
}
