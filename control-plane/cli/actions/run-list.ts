/** `keyturn runs`. */

import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

export async function listRuns(command: Command): Promise<void> {
  const given = command.optsWithGlobals().host as string | undefined;
  const host = given === undefined ? '' : parseHostName(given);
  const { runs } = await withControlPlane(command, 'viewer', ({ client }) => client.listRuns({ host, limit: 0 }));
  outputOf(command).result({ runs }, () =>
    listingLines(
      runs.map((run) => [
        run.runId,
        run.host,
        `${run.app}@${run.version}`,
        run.refusalCode === '' ? run.phase : `${run.phase} (${run.refusalCode})`,
      ]),
      'no runs',
    ),
  );
}
