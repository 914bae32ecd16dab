/** `keyturn rulings`: runs that wait for people, and what they show. */
import type { Command } from 'commander';
import { visibleLine } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import { heldAt } from '../held-run.ts';
import { instantText } from '../instant-text.ts';
import { outputOf } from '../output.ts';
import { fetchRun } from '../run-ledger.ts';

export async function listRulings(command: Command): Promise<void> {
  const held = await withControlPlane(command, 'viewer', async (publisher) => {
    const { runs } = await publisher.client.listRuns({ host: '', limit: 0 });
    const rows = [];
    for (const { runId } of runs.filter(({ phase }) => phase === 'held')) {
      const { run, ledger } = await fetchRun(runId, publisher);
      const at = ledger && heldAt(ledger);
      if (at) rows.push({ run: runId, host: run.host, release: `${run.app}@${run.version}`, ...at });
    }
    return rows;
  });
  outputOf(command).result({ held }, () =>
    held.length === 0
      ? ['no run waits for a ruling']
      : held.flatMap(({ run, host, release, check, stopGate, summary, since }) => [
          visibleLine(
            `${run}  ${release} on ${host}, held at ${stopGate} of ${check} since ${instantText(Date.parse(since))}`,
          ),
          visibleLine(`  ${summary}`),
          `  next: keyturn rule proceed ${run} --reason TEXT --key FILE    (or: stop)`,
        ]),
  );
}
