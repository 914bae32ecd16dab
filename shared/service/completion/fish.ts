/** Fish: one line for each word that may be typed, with the condition under which it may. */
import {
  type CompletionCommand,
  type CompletionOption,
  type ExpectedWord,
  type PlacedCommand,
  pathOf,
  placedCommands,
} from './command-tree.ts';
import { functionName } from './shell-text.ts';

export function fishCompletion(program: CompletionCommand): string {
  const name = `_${functionName(program.name)}`;
  const placed = placedCommands(program);
  const lines = placed.flatMap((place) => placeLines({ program: program.name, name }, place));
  return `# Completion of ${program.name} for fish. In ~/.config/fish/completions/${program.name}.fish:
# ${program.name} completion fish | source

${pathFunction(name, placed)}

complete -c ${program.name} -f
${lines.join('\n')}
`;
}

interface Names {
  readonly program: string;
  /** Of the script's functions. */
  readonly name: string;
}

/** Walks the words in front of the cursor, as the program itself would read them. */
function pathFunction(name: string, placed: readonly PlacedCommand[]): string {
  const valued = placed.flatMap(({ path, command }) =>
    command.options.filter(({ value }) => value !== undefined).map((option) => ({ path, option })),
  );
  const patterns = ({ isRepeated }: { isRepeated: boolean }) =>
    valued
      .filter(({ option }) => option.isRepeated === isRepeated)
      .flatMap(({ path, option }) => option.names.map((word) => quoted(`${pathOf(path, '')}*:${word}`)));
  const commands = placed.slice(1).map(({ path }) => quoted(path));
  const once = patterns({ isRepeated: false });
  const repeated = patterns({ isRepeated: true });
  return `function ${name}_path
    set -l words (commandline -opc)
    set -l path /
    set -l value none
    for word in $words[2..]
        if test $value = one
            set value none
        else if string match -q -- '-*' $word
            switch (string replace -r '/?$' '/' $path):$word
${[caseOf(once, 'set value one'), caseOf(repeated, 'set value several')].join('')}                case '*'
                    set value none
            end
        else if test $value = none
            switch (string trim -r -c / $path)/$word
                case ${commands.join(' ')}
                    set path (string trim -r -c / $path)/$word
            end
        end
    end
    echo $path
end

function ${name}_below
    string match -q -- "$argv[1]*" (string replace -r '/?$' '/' (${name}_path))
end`;
}

function caseOf(patterns: readonly string[], then: string): string {
  if (patterns.length === 0) return '';
  return `                case ${patterns.join(' ')}\n                    ${then}\n`;
}

function placeLines(names: Names, { path, command }: PlacedCommand): string[] {
  const here = `-n ${quoted(`test (${names.name}_path) = ${path}`)}`;
  const below = path === '/' ? '' : ` -n ${quoted(`${names.name}_below ${pathOf(path, '')}`)}`;
  return [
    ...command.commands.map(
      (child) => `complete -c ${names.program} ${here} -a ${child.name} -d ${quoted(child.description)}`,
    ),
    ...command.options.map((option) => `complete -c ${names.program}${below}${optionText(option)}`),
    ...command.arguments.flatMap(({ value }) => argumentLines(`complete -c ${names.program} ${here}`, value)),
  ];
}

function optionText({ names, description, value }: CompletionOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
  return `${flags}${value === undefined ? '' : ` ${valueFlags(value)}`} -d ${quoted(description)}`;
}

function argumentLines(start: string, value: ExpectedWord): string[] {
  if (value.kind === 'text') return [];
  return [`${start} ${value.kind === 'file' ? '-F' : `-a ${offered(value)}`}`];
}

function valueFlags(value: ExpectedWord): string {
  if (value.kind === 'file') return '-r -F';
  return value.kind === 'text' ? '-x' : `-x -a ${offered(value)}`;
}

function offered(value: ExpectedWord): string {
  return value.kind === 'choice' ? quoted(value.words.join(' ')) : quoted('(__fish_complete_directories)');
}

/** Fish takes a backslash and a quote between single quotes for its own. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, (character) => `\\${character}`)}'`;
}
