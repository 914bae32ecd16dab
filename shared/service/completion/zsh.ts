/** Zsh: one function for each command, which tells `_arguments` what stands there. */

import type { CompletionCommand } from './command-tree.ts';
import {
  type CompletionArgument,
  type CompletionOption,
  type ExpectedWord,
  type PlacedCommand,
  placedCommands,
} from './command-tree.ts';
import { functionName, singleQuoted } from './shell-text.ts';

export function zshCompletion(program: CompletionCommand): string {
  const name = functionName(program.name);
  const functions = placedCommands(program).map((placed) => commandFunction(name, placed));
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh. As a file _${program.name} in a folder of $fpath, or in ~/.zshrc, behind compinit:
# source <(${program.name} completion zsh)

${functions.join('\n\n')}

if [ "$funcstack[1]" = "${name}" ]; then
  ${name} "$@"
else
  compdef ${name} ${program.name}
fi
`;
}

function commandFunction(name: string, { path, command, options }: PlacedCommand): string {
  const specs = options.flatMap(optionSpecs);
  return command.commands.length === 0
    ? `${functionOf(name, path)}() {\n  _arguments \\\n${specLines([...specs, ...command.arguments.map(argumentSpec)])}\n}`
    : groupFunction(name, { path, command, specs });
}

interface Group {
  readonly path: string;
  readonly command: CompletionCommand;
  readonly specs: readonly string[];
}

function groupFunction(name: string, { path, command, specs }: Group): string {
  const names = command.commands.map((child) => `    ${singleQuoted(`${child.name}:${described(child.description)}`)}`);
  const calls = command.commands.map(
    (child) => `        ${child.name}) ${functionOf(name, `${path === '/' ? '' : path}/${child.name}`)} ;;`,
  );
  return `${functionOf(name, path)}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands=(
${names.join('\n')}
  )
  _arguments -C \\
${specLines([...specs, "'1: :->command'", "'*:: :->behind'"])}
  case $state in
    command) _describe -t commands command commands ;;
    behind)
      case $line[1] in
${calls.join('\n')}
      esac ;;
  esac
}`;
}

function functionOf(name: string, path: string): string {
  return path === '/' ? name : `${name}${path.replaceAll(/[^a-zA-Z0-9]/g, '_')}`;
}

function specLines(specs: readonly string[]): string {
  return specs.map((spec) => `    ${spec}`).join(' \\\n');
}

function optionSpecs({ names, description, value, isRepeated }: CompletionOption): string[] {
  return names.map((name) => {
    const explained = `${isRepeated ? '*' : ''}${name}${value !== undefined && name.startsWith('--') ? '=' : ''}[${described(description)}]`;
    return singleQuoted(value === undefined ? explained : `${explained}:value:${action(value)}`);
  });
}

function argumentSpec({ name, value }: CompletionArgument): string {
  return singleQuoted(`:${described(name)}:${action(value)}`);
}

/** One space stands for "nothing to offer". */
function action(value: ExpectedWord): string {
  switch (value.kind) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'text':
      return ' ';
    case 'choice':
      return `(${value.words.join(' ')})`;
  }
}

/** What `_arguments` and `_describe` would take for their own. */
function described(text: string): string {
  return text.replaceAll(/[\\[\]:`$"]/g, (character) => `\\${character}`);
}
