/** The commands of `keyturn`, grouped by what people want to do. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { addHost } from './commands/host.ts';
import { addInit } from './commands/init.ts';
import { addRelease } from './commands/release.ts';
import { addRuns } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addTrust } from './commands/trust.ts';

export const VERSION = '0.1.0';

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Ship a release:': ['release', 'deploy', 'rollback'],
  'See what is true:': ['watch', 'ledger', 'runs', 'report'],
  'Hosts:': ['host'],
  'Trust:': ['init', 'trust', 'policy'],
  'Control plane:': ['serve'],
};

export function createProgram(): Command {
  const program = new Command('keyturn')
    .description('Governed deployment: installed, proven and inert, until the people in charge sign for exactly that.')
    .version(VERSION)
    .option('--home <folder>', 'keys, trust and certificates', process.env.KEYTURN_HOME ?? join(homedir(), '.keyturn'))
    .option('--json', 'one JSON document instead of lines')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .exitOverride();
  for (const add of [addRelease, addRuns, addHost, addInit, addTrust, addServe]) add(program);
  for (const [group, names] of Object.entries(GROUPS)) {
    for (const name of names) program.commands.find((command) => command.name() === name)?.helpGroup(group);
  }
  program.addHelpText('after', EXIT_CODES_HELP);
  return program;
}

const EXIT_CODES_HELP = `
Exit codes: 0 verdict A (or done), 10 verdict B, 20 verdict C, 30 verdict D, 64 usage, 69 unavailable, 77 refused.`;
