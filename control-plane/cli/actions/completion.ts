/** `keyturn completion`. */
import type { Command } from 'commander';
import { completionScript, completionTree, type Shell } from '../../../shared/service/completion.ts';
import { outputOf } from '../output.ts';

export function printCompletion(
  shell: string,
  { program, command }: { readonly program: Command; readonly command: Command },
): void {
  // The choices of the argument are the shells.
  const script = completionScript(shell as Shell, completionTree(program));
  outputOf(command).result({ shell, script }, () => [script.trimEnd()]);
}
