/** Drills: `keyturn drill`, `drill prepare`, `drill kill`, `drill show`, `drill list`. */

import type { Command } from 'commander';
import { LIMITS } from '../../../shared/limits.ts';
import { countParser } from '../count.ts';
import { durationParser } from '../duration.ts';
import { signingOptions } from './signing-options.ts';

const WAIT_MS = 60_000;
const ROUNDS = 20;

export function addDrill(program: Command): void {
  const drill = program.command('drill').description('show that hosts refuse what they must, and how fast they stop');
  addRefusals(drill);
  addPreparation(drill);
  addKills(drill);
  addViews(drill);
}

function addRefusals(drill: Command): void {
  drill
    .command('run', { isDefault: true })
    .description('offer hosts orders that they must refuse, and show with which code each is refused')
    .requiredOption('--app <app>', 'the application; its orders are those of `drill prepare`')
    .option('--host <host...>', 'these hosts')
    .option('--all', 'every host that is connected')
    .option('--wait <duration>', 'how long to wait for answers', durationParser('--wait'), WAIT_MS)
    .action(async (_options, command: Command) => {
      const { runDrill } = await import('../actions/drill.ts');
      await runDrill(command);
    });
}

function addPreparation(drill: Command): void {
  signingOptions(
    drill
      .command('prepare [release]')
      .description('sign orders for NAME@VERSION that can open nothing, for drills on its hosts')
      .option('--host <host...>', 'the hosts, where the release stands proven')
      .option('--from <file>', 'add signatures to a file of --out instead')
      .option('--key <file...>', 'keys of approvers: a file of `keyturn init`, of OpenSSH, or a .pub')
      .option('--out <file>', 'write the orders into a file for the next approver, and send nothing'),
  ).action(async (release: string | undefined, _options, command: Command) => {
    const { prepareDrill } = await import('../actions/drill-prepare.ts');
    await prepareDrill(release, command);
  });
}

function addKills(drill: Command): void {
  drill
    .command('kill')
    .description('kill an application that stands nowhere, some times, and show how long that takes')
    .option('--host <host...>', 'these hosts')
    .option('--all', 'every host that is connected')
    .option('--rounds <n>', 'how often', countParser('--rounds', { most: LIMITS.drillRoundCount }), ROUNDS)
    .option('--wait <duration>', 'how long to wait for all rounds', durationParser('--wait'), WAIT_MS)
    .action(async (_options, command: Command) => {
      const { runKillDrill } = await import('../actions/drill-kill.ts');
      await runKillDrill(command);
    });
}

function addViews(drill: Command): void {
  drill
    .command('show <drill>')
    .description('what came of a drill, with the answers of the hosts verified on this machine')
    .action(async (id: string, _options, command: Command) => {
      const { showDrill } = await import('../actions/drill-list.ts');
      await showDrill(id, command);
    });
  drill
    .command('list')
    .description('drills, newest first')
    .action(async (_options, command: Command) => {
      const { listDrills } = await import('../actions/drill-list.ts');
      await listDrills(command);
    });
}
