/** Where a command's result goes: lines for people, or one JSON document with `--json`. Progress goes to stderr. */
import type { Command } from 'commander';

export interface CommandOutput {
  readonly isJson: boolean;
  /** The result, once, at the end. */
  result(json: unknown, lines: () => readonly string[]): void;
  /** Something on the way; never part of the result. */
  note(line: string): void;
  /** The same, without a line break of its own. */
  progress(text: string): void;
  /** What nobody may miss, with `--json` as well. */
  warn(line: string): void;
  /** A line that people must read before they decide, with `--json` as well; never part of the result. */
  warnLine(line: string): void;
  /** The exit code of a command that came to its end, where that is not 0: a verdict. */
  endWith(exitCode: number): void;
}

/** By root command: one for each run of the program. */
const exitCodes = new WeakMap<Command, number>();

/** What the command that ran said with `endWith`, else 0. */
export function endedWith(program: Command): number {
  return exitCodes.get(program) ?? 0;
}

/** Writes where commander writes, see `configureOutput`. */
export function outputOf(command: Command): CommandOutput {
  const isJson = command.optsWithGlobals().json === true;
  const { writeOut = () => {}, writeErr = () => {} } = command.configureOutput();
  const say = (text: string): void => {
    if (!isJson) writeErr(text);
  };
  return {
    isJson,
    result: (json, lines) => writeOut(isJson ? `${JSON.stringify(json)}\n` : `${lines().join('\n')}\n`),
    note: (line) => say(`${line}\n`),
    progress: say,
    warn: (line) => writeErr(`keyturn: ${line}\n`),
    warnLine: (line) => writeErr(`${line}\n`),
    endWith: (exitCode) => exitCodes.set(rootOf(command), exitCode),
  };
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}
