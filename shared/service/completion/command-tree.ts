/** What a completion script is made from: a program's commands, options and arguments, without what they do. */
import type { Argument, Command, Option } from 'commander';

/** What stands where a value is expected. `text` is something that only its user knows. */
export type ExpectedWord =
  | { readonly kind: 'file' | 'folder' | 'text' }
  | { readonly kind: 'choice'; readonly words: readonly string[] };

export interface CompletionOption {
  /** With their dashes: `-V`, `--version`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for an option that takes no value. */
  readonly value: ExpectedWord | undefined;
  /** Whether several values may follow one after the other. */
  readonly isRepeated: boolean;
}

export interface CompletionArgument {
  readonly name: string;
  readonly value: ExpectedWord;
}

export interface CompletionCommand {
  readonly name: string;
  readonly description: string;
  /** Its own; they may also stand behind its sub-commands. */
  readonly options: readonly CompletionOption[];
  readonly arguments: readonly CompletionArgument[];
  readonly commands: readonly CompletionCommand[];
}

/** A command with where it stands: `/` for the program itself, `/release/build` for a sub-command of a sub-command. */
export interface PlacedCommand {
  readonly path: string;
  readonly command: CompletionCommand;
  /** Its own options and those of the commands above it, the nearest first. */
  readonly options: readonly CompletionOption[];
}

/** What help shows of a command and all below it: hidden commands and options are left out. */
export function completionTree(command: Command): CompletionCommand {
  const help = command.createHelp();
  return {
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(completionOption),
    arguments: command.registeredArguments.map(completionArgument),
    commands: help.visibleCommands(command).map(completionTree),
  };
}

/** The program, then every command below it; an option that stands above already is not repeated. */
export function placedCommands(
  command: CompletionCommand,
  above: Pick<PlacedCommand, 'path' | 'options'> = { path: '/', options: [] },
): PlacedCommand[] {
  const known = new Set(above.options.flatMap(({ names }) => names));
  const own = command.options.filter(({ names }) => !names.some((name) => known.has(name)));
  const placed = { path: above.path, command: { ...command, options: own }, options: [...own, ...above.options] };
  return [
    placed,
    ...command.commands.flatMap((child) =>
      placedCommands(child, { path: pathOf(above.path, child.name), options: placed.options }),
    ),
  ];
}

export function pathOf(parent: string, name: string): string {
  return `${parent === '/' ? '' : parent}/${name}`;
}

function completionOption(option: Option): CompletionOption {
  const takesValue = option.required || option.optional;
  const placeholder = /[<[]([^>\].]*)/.exec(option.flags)?.[1] ?? '';
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: option.description,
    value: takesValue ? expectedWord(placeholder, option.argChoices) : undefined,
    isRepeated: takesValue && option.variadic,
  };
}

function completionArgument(argument: Argument): CompletionArgument {
  return { name: argument.name(), value: expectedWord(argument.name(), argument.argChoices) };
}

/** Placeholders in help say what is meant; what is not listed here is a name, a number or an address. */
const KINDS: Readonly<Record<string, 'file' | 'folder'>> = {
  file: 'file',
  bundle: 'file',
  folder: 'folder',
  path: 'folder',
  repository: 'folder',
};

function expectedWord(placeholder: string, choices: readonly string[] | undefined): ExpectedWord {
  if (choices !== undefined) return { kind: 'choice', words: choices };
  return { kind: KINDS[placeholder] ?? 'text' };
}
