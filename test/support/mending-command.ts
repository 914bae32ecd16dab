/** Whether a mending command that a doctor names can be typed: our own are given to the real programs, without being run. */
import { type Command, CommanderError } from 'commander';
import { createProgram as createKeyturn } from '../../control-plane/cli/program.ts';
import { createProgram as createAgent } from '../../host-agent/cli/program.ts';

const PROGRAMS: Readonly<Record<string, () => Command>> = { keyturn: createKeyturn, 'keyturn-agent': createAgent };

/** Of the system; what they are told is for each test to say. */
const TOOLS = ['chmod', 'chown', 'mkdir', 'npm', 'sysctl', 'timedatectl', 'apt-get', 'dnf', 'zypper', 'pacman', 'apk'];

/** Throws what the program has against it. */
export function assertTypable(mend: string): void {
  const [name = '', ...words] = wordsOf(mend);
  const create = PROGRAMS[name];
  if (create === undefined) {
    if (!TOOLS.includes(name)) throw new Error(`"${mend}": neither a program of ours nor a tool that is known`);
    return;
  }
  const program = create();
  disarm(program);
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? new Error(`"${mend}": ${error.message}`) : error;
  }
}

function disarm(command: Command): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {} }).exitOverride();
  if (command.commands.length === 0) command.action(() => {});
  for (const child of command.commands) disarm(child);
}

/** As a shell takes it apart: single quotes, and a backslash before a quote between two of them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_all, quoted, escaped) => escaped ?? quoted),
  );
}
