/** Runs: `keyturn deploy`, `rollback`, `ledger`, `runs`, `report`. */

import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { VERDICT_EXIT_CODES } from '../../../shared/ledger/status.ts';
import { EXIT_CODES } from '../../../shared/service/failure.ts';
import { makeDirectory, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { ledgerJson, runTimes } from '../ledger-json.ts';
import { checkDetails, ledgerTable } from '../ledger-table.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { parseReleaseName } from '../release-name.ts';
import { fetchRun, type RunRecord } from '../run-ledger.ts';
import { terminalOf } from '../terminal.ts';
import { watchRun } from '../watch-run.ts';

export function addRuns(program: Command): void {
  program
    .command('deploy <release>')
    .description('install NAME@VERSION on a host, inert, and prove it: gates G3 to G8')
    .requiredOption('--host <host>', 'the host')
    .option('--watch', 'follow the run to its verdict')
    .action(async (name: string, _options, command: Command) => order('deploy', { name, command }));
  program
    .command('rollback <release>')
    .description('remove the one path that the installation of NAME@VERSION added, and prove it')
    .requiredOption('--host <host>', 'the host')
    .option('--watch', 'follow it to its end')
    .action(async (name: string, _options, command: Command) => order('rollback', { name, command }));
  program
    .command('watch <run>')
    .description('follow a run to its verdict')
    .action(async (run: string, _options, command: Command) => follow(run, { command, until: 'ended' }));
  program
    .command('ledger <run>')
    .description('the gate table of a run, verified and judged on this machine')
    .option('--check <id>', 'one check, with the failure capsule')
    .action(async (run: string, _options, command: Command) => showLedger(run, command));
  program
    .command('runs')
    .description('runs, newest first')
    .option('--host <host>', 'of this host only', '')
    .action(async (_options, command: Command) => listRuns(command));
  program
    .command('report <run>')
    .description('fetch the documents 01 to 08 of a run')
    .option('--out <folder>', 'where they go; report-<run> unless said')
    .action(async (run: string, _options, command: Command) => saveReport(run, command));
}

async function order(
  what: 'deploy' | 'rollback',
  { name, command }: { name: string; command: Command },
): Promise<void> {
  const { host, watch } = command.optsWithGlobals();
  const release = parseReleaseName(name);
  const { runId } = await withControlPlane(command, 'operator', ({ client }) => client[what]({ host, ...release }));
  if (!watch) {
    outputOf(command).result({ run: runId }, () => [`run ${runId}`, `next: keyturn watch ${runId}`]);
    return;
  }
  await follow(runId, { command, until: what === 'deploy' ? 'ended' : 'rolledBack' });
}

async function follow(
  runId: string,
  { command, until }: { command: Command; until: 'ended' | 'rolledBack' },
): Promise<void> {
  const output = outputOf(command);
  const record = await withControlPlane(command, 'viewer', async (publisher) => {
    await watchRun(runId, {
      ...publisher,
      terminal: terminalOf(process.stderr, process.env),
      write: output.progress,
      until,
    });
    return fetchRun(runId, publisher);
  });
  showRecord(record, command);
}

async function showLedger(runId: string, command: Command): Promise<void> {
  const record = await withControlPlane(command, 'viewer', (publisher) => fetchRun(runId, publisher));
  const check = command.optsWithGlobals().check as string | undefined;
  if (check === undefined) showRecord(record, command);
  else showCheck(record, { check, command });
}

/** Prints the verdict and sets the exit code that goes with it. */
function showRecord({ run, ledger }: RunRecord, command: Command): void {
  const output = outputOf(command);
  if (!ledger) {
    process.exitCode = run.refusalCode === '' ? EXIT_CODES.unavailable : EXIT_CODES.refused;
    const why = run.refusalCode === '' ? `is ${run.phase}` : `was refused by ${run.host}: ${run.refusalCode}`;
    output.result({ run: run.runId, phase: run.phase, refusalCode: run.refusalCode }, () => [
      `run ${run.runId} ${why}`,
    ]);
    return;
  }
  process.exitCode = VERDICT_EXIT_CODES[ledger.summary.verdict];
  const { durationMs, ownMs } = runTimes(ledger, run);
  output.result(ledgerJson(ledger, run), () => [
    ledgerTable(ledger.summary, terminalOf(process.stdout, process.env)).trimEnd(),
    `settled ${durationMs} ms after the order, ${ownMs} ms of them without the payload's own commands`,
  ]);
}

function showCheck({ run, ledger }: RunRecord, { check, command }: { check: string; command: Command }): void {
  const row = ledger?.summary.gates.flatMap((gate) => gate.checks).find(({ id }) => id === check);
  const details = ledger && checkDetails(ledger.summary, check, terminalOf(process.stdout, process.env));
  if (!row || details === undefined) {
    const known = ledger?.summary.gates.flatMap((gate) => gate.checks.map(({ id }) => id)).join(', ') ?? 'none';
    throw new RejectedError('check-unknown', `failed to find check "${check}" in run "${run.runId}": it has ${known}`);
  }
  outputOf(command).result(row, () => [details.trimEnd()]);
}

async function listRuns(command: Command): Promise<void> {
  const host = command.optsWithGlobals().host as string;
  const { runs } = await withControlPlane(command, 'viewer', ({ client }) => client.listRuns({ host, limit: 0 }));
  outputOf(command).result({ runs }, () =>
    runs.length === 0
      ? ['no runs']
      : runs.map(
          (run) =>
            `${run.runId}  ${run.host.padEnd(20)} ${`${run.app}@${run.version}`.padEnd(28)} ${run.phase}${run.refusalCode && ` (${run.refusalCode})`}`,
        ),
  );
}

async function saveReport(runId: string, command: Command): Promise<void> {
  const folder = resolve((command.optsWithGlobals().out as string | undefined) ?? `report-${runId}`);
  const documents = await withControlPlane(command, 'viewer', (publisher) => fetchReport(runId, publisher));
  if (documents.size === 0) {
    throw new RejectedError('report-missing', `failed to fetch the report of run "${runId}": it has none yet`, {
      hint: 'a report is made when a run has ended',
    });
  }
  makeDirectory(folder);
  for (const [name, content] of documents) writeFileAtomic(join(folder, basename(name)), content);
  outputOf(command).result({ folder, documents: [...documents.keys()] }, () => [
    folder,
    ...[...documents.keys()].map((name) => `  ${name}`),
  ]);
}

async function fetchReport(runId: string, { client }: Publisher): Promise<Map<string, Buffer>> {
  const pieces = new Map<string, Buffer[]>();
  for await (const { name, data } of client.fetchReport({ runId }))
    pieces.set(name, [...(pieces.get(name) ?? []), data]);
  return new Map([...pieces].map(([name, parts]) => [name, Buffer.concat(parts)]));
}
