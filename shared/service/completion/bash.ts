/**
 * Bash, from 3.2 on (macOS still has it). Two generated functions say what belongs to which command; one that is the same for
 * every program walks the words up to the cursor. Bash takes `--option=value` apart into three words, hence the `=`.
 */
import {
  type CompletionCommand,
  type CompletionOption,
  type ExpectedWord,
  type PlacedCommand,
  pathOf,
  placedCommands,
} from './command-tree.ts';
import { functionName, singleQuoted } from './shell-text.ts';

export function bashCompletion(program: CompletionCommand): string {
  const name = functionName(program.name);
  const placed = placedCommands(program);
  return `# Completion of ${program.name} for bash. In ~/.bashrc: source <(${program.name} completion bash)

# What may stand behind the command at path $1.
${name}_at() {
  case $1 in
${placed.map(placeCase).join('\n')}
  esac
}

# What the option $2 of the command at path $1 takes: nothing, or a kind of value, and whether values repeat.
${name}_option() {
  value='' repeats=''
  case $1/:$2 in
${placed.flatMap(optionCases).join('\n')}
  esac
}

${walker(name)}
complete -F ${name} ${program.name}
`;
}

function placeCase({ path, command, options }: PlacedCommand): string {
  const words = (texts: readonly string[]) => singleQuoted(texts.join(' '));
  return [
    `    ${singleQuoted(path)})`,
    `      commands=${words(command.commands.map((child) => child.name))}`,
    `      options=${words(options.flatMap(({ names }) => names))}`,
    `      arguments=(${command.arguments.map(({ value }) => singleQuoted(valueText(value))).join(' ')}) ;;`,
  ].join('\n');
}

/** Options may stand behind every sub-command of the one that has them. */
function optionCases({ path, command }: PlacedCommand): string[] {
  return command.options
    .filter(({ value }) => value !== undefined)
    .map((option) => {
      const patterns = option.names.map((name) => `${pathOf(path, '')}*:${name}`).join(' | ');
      return `    ${patterns}) value=${singleQuoted(optionText(option))}${option.isRepeated ? ' repeats=yes' : ''} ;;`;
    });
}

function optionText({ value }: CompletionOption): string {
  return value === undefined ? '' : valueText(value);
}

/** What the walker takes apart again: a kind, and behind `choice` its words. */
function valueText(value: ExpectedWord): string {
  return value.kind === 'choice' ? `choice ${value.words.join(' ')}` : value.kind;
}

function walker(name: string): string {
  return `${name}_offer() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "\${@}" -- "$current")
}

${name}_offer_value() {
  case $1 in
    file | folder)
      # Bash before 4.0 cannot be told that these are file names.
      type compopt > /dev/null 2>&1 && compopt -o filenames
      if [[ $1 == file ]]; then ${name}_offer -f; else ${name}_offer -d; fi ;;
    choice*) ${name}_offer -W "\${1#choice }" ;;
  esac
}

${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path=/ count=0 value='' repeats='' index word
  local commands='' options='' arguments=()
  COMPREPLY=()
  ${name}_at "$path"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == '=' ]]; then continue
    elif [[ -n $value && ($word != -* || -z $repeats) ]]; then
      if [[ -z $repeats ]]; then value=''; fi
    elif [[ $word == -* ]]; then ${name}_option "$path" "$word"
    elif [[ " $commands " == *" $word "* ]]; then
      path=\${path%/}/$word
      ${name}_at "$path"
    else count=$((count + 1))
    fi
  done
  if [[ $current == '=' ]]; then current=''; fi
  if [[ -n $value && ($current != -* || -z $repeats) ]]; then ${name}_offer_value "$value"
  elif [[ $current == -* ]]; then ${name}_offer -W "$options"
  elif [[ -n $commands ]]; then ${name}_offer -W "$commands"
  else ${name}_offer_value "\${arguments[count]-}"
  fi
}`;
}
