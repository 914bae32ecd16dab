/** One run of a program: what failed becomes text for people, a document with `--json`, and an exit code. */
import { type Command, CommanderError } from 'commander';
import { describeFailure, exitCodeOf, failureJson, UsageError } from './failure.ts';

export interface ProgramRun {
  /** What follows the program's name. */
  readonly argv: readonly string[];
  /** The exit code of a command that came to its end. */
  readonly endedWith: () => number;
}

/** Never throws. Gives the exit code. The program throws where it would exit, and prints no error by itself. */
export async function runProgram(program: Command, { argv, endedWith }: ProgramRun): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return endedWith();
  } catch (error) {
    if (error instanceof CommanderError) return await endOfParsing(program, { error, argv });
    return await end(program, { error, argv });
  }
}

interface Ended<E> {
  readonly error: E;
  readonly argv: readonly string[];
}

async function end(program: Command, { error, argv }: Ended<unknown>): Promise<number> {
  // Most runs do without.
  const { visibleLines } = await import('../visible-text.ts');
  const { writeOut, writeErr } = program.configureOutput();
  if (isJson(argv)) writeOut?.(failureJson(error));
  // A message may come from the control plane, which has no business in steering a terminal (P2).
  writeErr?.(visibleLines(describeFailure(program.name(), error)).join('\n'));
  return exitCodeOf(error);
}

/** Help and version are no errors; a command that is missing one has printed its help instead of a message. */
async function endOfParsing(program: Command, { error, argv }: Ended<CommanderError>): Promise<number> {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') {
    const missing = new UsageError('a command is missing', 'see above, or say --help');
    if (isJson(argv)) program.configureOutput().writeOut?.(failureJson(missing));
    return exitCodeOf(missing);
  }
  return await end(program, { error: usageErrorOf(error), argv });
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
