/** `keyturn release list`. */

import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

export async function list(command: Command): Promise<void> {
  const { releases } = await withControlPlane(command, 'viewer', ({ client }) => client.listReleases({}));
  outputOf(command).result({ releases }, () =>
    listingLines(
      releases.map(({ app, version, statementSha256 }) => [`${app}@${version}`, statementSha256]),
      'no releases',
    ),
  );
}
