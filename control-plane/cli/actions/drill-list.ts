/** `keyturn drill list` and `keyturn drill show`. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { showKills, showRefusals } from '../drill-result.ts';
import { followDrill } from '../follow-drill.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

/** What has no answer by now is shown without one. */
const LOOK_MS = 2_000;

/** What the control plane says; `show` verifies what the hosts have signed. */
export async function listDrills(command: Command): Promise<void> {
  const { drills } = await withControlPlane(command, 'viewer', ({ client }) => client.listDrills({ limit: 0 }));
  const rows = drills.map(({ startedAtMs, drillId, ...rest }) => ({
    drill: drillId,
    startedAt: new Date(startedAtMs).toISOString(),
    ...rest,
  }));
  outputOf(command).result({ drills: rows }, () =>
    listingLines(
      rows.map(({ drill, startedAt, kind, app, rowCount, goodCount, badCount }) => [
        drill,
        startedAt,
        kind,
        app,
        `${goodCount} of ${rowCount} as expected`,
        badCount === 0 ? '' : `${badCount} OTHERWISE`,
      ]),
      'there was no drill yet',
    ),
  );
}

export async function showDrill(drill: string, command: Command): Promise<void> {
  const rows = await withControlPlane(command, 'viewer', (publisher) =>
    followDrill(drill, { publisher, patienceMs: LOOK_MS }),
  );
  const show = rows.some(({ row }) => row === 'kill') ? showKills : showRefusals;
  show(rows, { drill, output: outputOf(command) });
}
