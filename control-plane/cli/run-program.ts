/** One run of the program: what failed becomes text for people, a document with `--json`, and an exit code. */
import { type Command, CommanderError } from 'commander';
import { describeFailure, exitCodeOf, failureJson, UsageError } from '../../shared/service/failure.ts';
import { visibleLines } from '../report/visible-text.ts';
import { endedWith } from './output.ts';

/** Never throws. `argv` is what follows the program's name. Gives the exit code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return endedWith(program);
  } catch (error) {
    return error instanceof CommanderError ? endOfParsing(program, { error, argv }) : end(program, { error, argv });
  }
}

interface Ended<E> {
  readonly error: E;
  readonly argv: readonly string[];
}

function end(program: Command, { error, argv }: Ended<unknown>): number {
  const { writeOut, writeErr } = program.configureOutput();
  if (isJson(argv)) writeOut?.(failureJson(error));
  // A message may come from the control plane, which has no business in steering a terminal (P2).
  writeErr?.(visibleLines(describeFailure(program.name(), error)).join('\n'));
  return exitCodeOf(error);
}

/** Help and version are no errors; a command that is missing one has printed its help instead of a message. */
function endOfParsing(program: Command, { error, argv }: Ended<CommanderError>): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    const missing = new UsageError('a command is missing', 'see above, or say --help');
    if (isJson(argv)) program.configureOutput().writeOut?.(failureJson(missing));
    return exitCodeOf(missing);
  }
  return end(program, { error: usageErrorOf(error), argv });
}

/** Commander puts its proposal into the message: it is the hint. */
function usageErrorOf({ message }: CommanderError): UsageError {
  const [, what = message, proposal] = /^(?:error: )?([\s\S]*?)(?:\s*\(Did you mean (.*)\?\))?$/.exec(message) ?? [];
  return new UsageError(what, proposal === undefined ? 'see what there is with --help' : `did you mean ${proposal}?`);
}

/** Read by itself, because a command line that cannot be parsed has no options. */
function isJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}
