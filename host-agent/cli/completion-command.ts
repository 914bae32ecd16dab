/** `keyturn-agent completion`: what shells complete. */

import { Argument, type Command } from 'commander';
import { completionScript, completionTree, SHELLS, type Shell } from '../../shared/service/completion.ts';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description(
      'print the script by which a shell completes commands and options; its first lines say where to put it',
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: string) => {
      // The choices of the argument are the shells.
      process.stdout.write(completionScript(shell as Shell, completionTree(program)));
    });
}
