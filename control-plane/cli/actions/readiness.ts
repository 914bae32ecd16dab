/** `keyturn readiness`: computed on this machine, from the ledger that the host signed. */
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { type Readiness, type ReadinessRow, readinessOf, whatIsMissing } from '../../../shared/orders/readiness.ts';
import type { Run } from '../../../shared/rpc/generated/messages.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { parseReleaseName, type ReleaseName } from '../release-name.ts';
import { fetchRun } from '../run-ledger.ts';
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

/**
 * Of the run that stands: the newest that is proven, as a later attempt finds its target taken and changes nothing; where none
 * is, of the newest. Errors: `release-not-deployed`, `run-not-admitted`.
 */
async function newestReadiness(
  publisher: Publisher,
  { release: { app, version }, host }: { release: ReleaseName; host: string },
): Promise<{ run: Run; readiness: Readiness }> {
  const { runs } = await publisher.client.listRuns({ host, limit: 0 });
  const ofRelease = runs.filter((run) => run.app === app && run.version === version);
  const standing = ofRelease.find(({ phase }) => phase === 'proven') ?? ofRelease[0];
  if (!standing) {
    throw new RejectedError(
      'release-not-deployed',
      `failed to judge ${app}@${version}: it was never deployed to "${host}"`,
      {
        hint: `keyturn deploy ${app}@${version} --host ${host} --watch`,
      },
    );
  }
  const { run, ledger } = await fetchRun(standing.runId, publisher);
  if (ledger) return { run, readiness: readinessOf(ledger, Date.now()) };
  throw new RejectedError(
    'run-not-admitted',
    `failed to judge ${app}@${version}: "${host}" has not admitted run ${run.runId}`,
  );
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
