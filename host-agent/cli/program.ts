/** The commands of `keyturn-agent`. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../../shared/service/failure.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import { runProgram } from '../../shared/service/run-program.ts';
import { AGENT_VERSION, hostFolders } from '../host/host-config.ts';
import { addApply } from './apply-command.ts';
import { addCompletion } from './completion-command.ts';
import { addDoctor } from './doctor-command.ts';
import { addExec } from './exec-command.ts';
import { addKill } from './kill-command.ts';
import { defaultStateDirectory } from './plain-run.ts';

/** Follows a command line; never throws. Gives the exit code. */
export function runCommandLine(argv: readonly string[]): Promise<number> {
  return runProgram(createProgram(), { argv, endedWith: () => Number(process.exitCode ?? 0) });
}

export function createProgram(): Command {
  const program = new Command('keyturn-agent')
    .description('Installs signed releases side by side, proves them here, and keeps them from executing.')
    .version(AGENT_VERSION)
    .option('--state <folder>', "the agent's own folder", defaultStateDirectory())
    .configureHelp({ showGlobalOptions: true })
    // What failed is printed where all failures are, see run-program.ts.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  program
    .command('enrol <bundle>')
    .description('join the control plane with the bundle that `keyturn host token` wrote')
    .requiredOption('--install-root <path...>', 'where releases may be installed on this host')
    .option('--label <key=value...>', 'labels of this host; nobody can change them from outside', [])
    .option('--root-prefix <folder>', 'put before every install root (for rehearsals)', '')
    .action(async (bundle: string, _options, command: Command) => enrol(bundle, command));
  program
    .command('run')
    .description('run the agent until it is told to stop')
    .action(async (_options, command: Command) => {
      const { runAgent } = await import('./run.ts');
      await runAgent(stateOf(command));
    });
  program
    .command('status')
    .description('what this host is, what stands on it, and that its execution gates are closed')
    .action(async (_options, command: Command) => {
      const { hostStatus } = await import('../host/host-status.ts');
      process.stdout.write(`${JSON.stringify(await hostStatus(stateOf(command)), null, 2)}\n`);
    });
  program
    .command('secret <name>')
    .description('store a secret under the name by which plans ask for it; its value is read from standard input')
    .action(async (name: string, _options, command: Command) => {
      const { SecretFolder } = await import('../host/secret-folder.ts');
      new SecretFolder(hostFolders(stateOf(command)).secrets).write(name, withoutLineEnd(readFileSync(0)));
    });
  for (const add of [addKill, addExec, addApply, addDoctor, addCompletion]) add(program);
  return program;
}

async function enrol(path: string, command: Command): Promise<void> {
  const { installRoot, label, rootPrefix } = command.optsWithGlobals();
  const { parseEnrolmentBundle } = await import('../../shared/rpc/enrolment-bundle.ts');
  const { enrolHost } = await import('../host/enrol-host.ts');
  const bundle = parseEnrolmentBundle(readInputFile(resolve(path), 'bundle'));
  const config = {
    installRoots: installRoot,
    labels: parseLabels(label),
    rootPrefix: rootPrefix === '' ? '' : resolve(rootPrefix),
  };
  await enrolHost(stateOf(command), { bundle, config, now: new Date() });
  process.stdout.write(`${bundle.host} is enrolled; next: keyturn-agent run\n`);
}

function stateOf(command: Command): string {
  return resolve(command.optsWithGlobals().state as string);
}

/** One key has one value: which of two was meant is not for the agent to guess. */
function parseLabels(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map(parseLabel);
  const repeated = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (repeated) throw new UsageError(`label "${repeated[0]}": expected one value, got several`);
  return Object.fromEntries(pairs);
}

function parseLabel(text: string): [string, string] {
  const [, key, value] = /^([A-Za-z0-9._-]+)=(.+)$/.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  throw new UsageError(`label "${text}": expected KEY=VALUE, such as env=prod`);
}

/** A secret that was typed or echoed ends in a line break that is not part of it. */
function withoutLineEnd(bytes: Buffer): Buffer {
  const end = bytes.at(-1) === 0x0a ? bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1) : bytes.length;
  return bytes.subarray(0, end);
}
