/** `keyturn ledger`, and how every command ends that shows a verdict. */

import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { VERDICT_EXIT_CODES } from '../../../shared/ledger/status.ts';
import type { Run } from '../../../shared/rpc/generated/messages.ts';
import { EXIT_CODES } from '../../../shared/service/failure.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import { type HeldAt, heldAt } from '../held-run.ts';
import { ledgerJson, runTimes } from '../ledger-json.ts';
import { checkDetails, ledgerTable } from '../ledger-table.ts';
import { outputOf } from '../output.ts';
import { refusalHint } from '../refusal-hint.ts';
import { fetchRun, type RunRecord } from '../run-ledger.ts';
import { terminalOf } from '../terminal.ts';

export async function showLedger(runId: string, command: Command): Promise<void> {
  const record = await withControlPlane(command, 'viewer', (publisher) => fetchRun(runId, publisher));
  const check = command.optsWithGlobals().check as string | undefined;
  if (check === undefined) showRecord(record, command);
  else showCheck(record, { check, command });
}

/** Prints the verdict and ends with the exit code that goes with it. */
export function showRecord({ run, ledger }: RunRecord, command: Command): void {
  const output = outputOf(command);
  if (!ledger) {
    output.endWith(run.refusalCode === '' ? EXIT_CODES.unavailable : EXIT_CODES.refused);
    const why = run.refusalCode === '' ? `is ${run.phase}` : `was refused by ${run.host}: ${run.refusalCode}`;
    const hint = refusalHint(run.refusalCode);
    output.result({ run: run.runId, phase: run.phase, refusalCode: run.refusalCode, hint }, () => [
      `run ${run.runId} ${why}`,
      ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ]);
    return;
  }
  const held = heldAt(ledger);
  output.endWith(held ? EXIT_CODES.held : VERDICT_EXIT_CODES[ledger.summary.verdict]);
  output.result({ ...ledgerJson(ledger, run), held }, () => [
    ledgerTable(ledger.summary, terminalOf(process.stdout, process.env)).trimEnd(),
    ...(held ? heldLines(run, held) : [settledLine(ledger, run)]),
  ]);
}

function heldLines({ runId }: Run, { check, stopGate, summary }: HeldAt): string[] {
  return [
    visibleLine(`held at ${stopGate} of ${check}: ${summary}`),
    `next: keyturn rule proceed ${runId} --reason TEXT --key FILE    (or: stop)`,
  ];
}

function settledLine(ledger: VerifiedLedger, run: Run): string {
  const { durationMs, ownMs } = runTimes(ledger, run);
  return `settled ${durationMs} ms after the order, ${ownMs} ms of them without the payload's own commands`;
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
