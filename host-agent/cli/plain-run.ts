/** The one command line that units and people start an agent with, told without what reads all the others. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Where the agent keeps its state, when no option says it. */
export function defaultStateDirectory(): string {
  return process.env.KEYTURN_AGENT_STATE ?? '/var/lib/keyturn-agent';
}

/** The state folder of `[--state FOLDER] run`; undefined for every other command line, which may be a mistake or a question. */
export function stateOfPlainRun(argv: readonly string[]): string | undefined {
  try {
    const options = { state: { type: 'string' } } as const;
    const { positionals, values } = parseArgs({ args: [...argv], options, allowPositionals: true });
    if (argv.includes('--') || positionals.length !== 1 || positionals[0] !== 'run') return undefined;
    return resolve(values.state ?? defaultStateDirectory());
  } catch {
    return undefined; // it has an option of another command, or none's: whoever reads them all says so
  }
}
