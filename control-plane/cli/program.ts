/**
 * The commands of `keyturn`, grouped by what people want to do. Only what declares them is loaded here; each command
 * loads its own code when it is run, so that asking for help costs nothing.
 */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import pkg from '../../package.json' with { type: 'json' };
import { addAudit } from './commands/audit.ts';
import { addCarry } from './commands/carry.ts';
import { addCompletion } from './commands/completion.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrill } from './commands/drill.ts';
import { addGovern } from './commands/govern.ts';
import { addHost } from './commands/host.ts';
import { addInit } from './commands/init.ts';
import { addOperator } from './commands/operator.ts';
import { addRelease } from './commands/release.ts';
import { addRuns } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addTrust } from './commands/trust.ts';
import { keepCompiledCode } from './compiled-code.ts';

export const VERSION = pkg.version;

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Ship a release:': ['release', 'deploy', 'rollback'],
  'Decide:': ['rulings', 'rule', 'gaps', 'enable', 'inbox', 'approve'],
  'Execute, and stop:': ['run-live', 'kill', 'drill'],
  'See what is true:': ['watch', 'ledger', 'readiness', 'runs', 'report', 'evidence', 'audit'],
  'Hosts:': ['host'],
  'Trust:': ['init', 'trust', 'policy'],
  'Control plane:': ['serve', 'operator'],
  'This machine:': ['doctor', 'completion'],
};

/** Where a run of the program writes; the process's own streams unless said. */
export interface ProgramOutput {
  readonly writeOut?: (text: string) => void;
  readonly writeErr?: (text: string) => void;
}

export function createProgram(output: ProgramOutput = {}): Command {
  const program = new Command('keyturn')
    .description('Governed deployment: installed, proven and inert, until the people in charge sign for exactly that.')
    .version(VERSION)
    .addOption(
      new Option('--home <folder>', 'keys, trust and certificates')
        .default(join(homedir(), '.keyturn'))
        .env('KEYTURN_HOME'),
    )
    .option('--json', 'one JSON document instead of lines')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    // What failed is printed where all failures are, see run-program.ts.
    .configureOutput({ ...output, outputError: () => {} })
    .exitOverride()
    // Not for help: what declares the commands is compiled by then, and nothing else is loaded.
    .hook('preAction', keepCompiledCode);
  const all = [
    addRelease,
    addRuns,
    addGovern,
    addCarry,
    addDrill,
    addAudit,
    addHost,
    addInit,
    addTrust,
    addServe,
    addOperator,
    addDoctor,
    addCompletion,
  ];
  for (const add of all) add(program);
  for (const [group, names] of Object.entries(GROUPS)) {
    for (const name of names) program.commands.find((command) => command.name() === name)?.helpGroup(group);
  }
  program.addHelpText('after', EXIT_CODES_HELP);
  return program;
}

const EXIT_CODES_HELP = `
Exit codes: 0 verdict A (or done), 10 verdict B, 20 verdict C, 30 verdict D,
64 usage, 69 unavailable, 70 a defect of keyturn, 75 held until people rule,
77 refused.`;
