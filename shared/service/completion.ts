/** Completion scripts for shells: a tree of commands in, text out. Nothing is run and nothing is asked when Tab is pressed. */
import { bashCompletion } from './completion/bash.ts';
import type { CompletionCommand } from './completion/command-tree.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';

export { completionTree } from './completion/command-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, (program: CompletionCommand) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The whole script, with its last line break; its first line says where it belongs. */
export function completionScript(shell: Shell, program: CompletionCommand): string {
  return SCRIPTS[shell](program);
}
