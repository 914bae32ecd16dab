/** `keyturn readiness`: computed on this machine, from the ledger that the host signed. */
import type { Command } from 'commander';
import { type Readiness, type ReadinessRow, readinessOf, whatIsMissing } from '../../../shared/orders/readiness.ts';
import type { Run } from '../../../shared/rpc/generated/messages.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { parseReleaseName, type ReleaseName } from '../release-name.ts';
import { standingRun } from '../standing-run.ts';
import { type Cell, tableLines, terminalOf } from '../terminal.ts';

/** As a verdict that failed. */
const NOT_READY = 20;

export async function showReadiness(name: string, command: Command): Promise<void> {
  const release = parseReleaseName(name);
  const host = parseHostName(command.opts<{ host: string }>().host);
  const { run, readiness } = await withControlPlane(command, 'viewer', (publisher) =>
    newestReadiness(publisher, { release, host }),
  );
  const { rows, isReady } = readiness;
  const output = outputOf(command);
  if (!isReady) output.endWith(NOT_READY);
  output.result({ run: run.runId, host, isReady, rows, missing: whatIsMissing(readiness) }, () => [
    ...tableLines(terminalOf(process.stdout, process.env), rows.map(cellsOf)),
    '',
    lastLine(readiness),
  ]);
}

async function newestReadiness(
  publisher: Publisher,
  wanted: { release: ReleaseName; host: string },
): Promise<{ run: Run; readiness: Readiness }> {
  const { run, ledger } = await standingRun(publisher, wanted);
  return { run, readiness: readinessOf(ledger, Date.now()) };
}

function cellsOf({ id, gate, status, isMet, evidenceId, reason }: ReadinessRow): Cell[] {
  return [
    { text: isMet ? 'ready' : 'open', tone: isMet ? 'good' : 'bad' },
    { text: gate },
    { text: id },
    { text: status },
    { text: visibleLine(evidenceId ?? 'no evidence'), tone: 'quiet' },
    { text: visibleLine(reason ?? '') },
  ];
}

function lastLine({ rows, isReady }: Readiness): string {
  const open = rows.filter(({ isMet }) => !isMet).length;
  return isReady
    ? `ready: all of ${rows.length} criteria are met`
    : `not ready: ${open} of ${rows.length} criteria are open`;
}
