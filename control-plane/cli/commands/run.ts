/** Runs: `keyturn deploy`, `rollback`, `watch`, `ledger`, `readiness`, `runs`, `report`, `evidence`. */

import type { Command } from 'commander';

export function addRuns(program: Command): void {
  addOrders(program);
  addViews(program);
}

function addOrders(program: Command): void {
  program
    .command('deploy <release>')
    .description('install NAME@VERSION on a host, inert, and prove it: gates G3 to G8')
    .requiredOption('--host <host>', 'the host')
    .option('--watch', 'follow the run to its verdict')
    .action(async (name: string, _options, command: Command) => {
      const { order } = await import('../actions/run-order.ts');
      await order('deploy', { name, command });
    });
  program
    .command('rollback <release>')
    .description('remove the one path that the installation of NAME@VERSION added, and prove it')
    .requiredOption('--host <host>', 'the host')
    .option('--watch', 'follow it to its end')
    .action(async (name: string, _options, command: Command) => {
      const { order } = await import('../actions/run-order.ts');
      await order('rollback', { name, command });
    });
}

function addViews(program: Command): void {
  program
    .command('watch <run>')
    .description('follow a run to its verdict')
    .action(async (run: string, _options, command: Command) => {
      const { follow } = await import('../actions/run-order.ts');
      await follow(run, { command, until: 'ended' });
    });
  program
    .command('ledger <run>')
    .description('the gate table of a run, verified and judged on this machine')
    .option('--check <id>', 'one check, with the failure capsule')
    .action(async (run: string, _options, command: Command) => {
      const { showLedger } = await import('../actions/run-ledger.ts');
      await showLedger(run, command);
    });
  program
    .command('readiness <release>')
    .description('whether NAME@VERSION could be enabled on a host: every criterion with its evidence')
    .requiredOption('--host <host>', 'the host')
    .action(async (name: string, _options, command: Command) => {
      const { showReadiness } = await import('../actions/readiness.ts');
      await showReadiness(name, command);
    });
  program
    .command('runs')
    .description('runs, newest first')
    .option('--host <host>', 'of this host only')
    .action(async (_options, command: Command) => {
      const { listRuns } = await import('../actions/run-list.ts');
      await listRuns(command);
    });
  program
    .command('report <run>')
    .description('fetch the documents 01 to 08 of a run')
    .option('--out <folder>', 'where they go; report-<run> unless said')
    .action(async (run: string, _options, command: Command) => {
      const { saveReport } = await import('../actions/run-report.ts');
      await saveReport(run, command);
    });
  program
    .command('evidence <run>')
    .description('write everything that a run is judged by into one file, for `verify-bundle`')
    .requiredOption('--out <file>', 'where it goes')
    .action(async (run: string, _options, command: Command) => {
      const { saveEvidence } = await import('../actions/evidence.ts');
      await saveEvidence(run, command);
    });
}
