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
}

export function outputOf(command: Command): CommandOutput {
  const isJson = command.optsWithGlobals().json === true;
  return {
    isJson,
    result: (json, lines) => {
      process.stdout.write(isJson ? `${JSON.stringify(json)}\n` : `${lines().join('\n')}\n`);
    },
    note: (line) => {
      if (!isJson) process.stderr.write(`${line}\n`);
    },
    progress: (text) => {
      if (!isJson) process.stderr.write(text);
    },
  };
}
