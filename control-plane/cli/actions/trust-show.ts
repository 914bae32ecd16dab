/** `keyturn trust show`. */

import type { Command } from 'commander';
import { expiryOf, releaseRoleOf, TOP_LEVEL_ROLES, versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { keyholdersOf, releasersOf } from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { withControlPlane } from '../connection.ts';
import { expiredLines } from '../expired-metadata.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';
import { type HomeTrust, type Publisher, pathsInEveryRole, refreshHome, trustedRole } from '../publication.ts';

export async function showTrust(command: Command): Promise<void> {
  const { trusted, expired } = await withControlPlane(command, 'viewer', refreshAll);
  const { signed: root } = checkMetadata('root', trustedRole(trusted, 'root'));
  const { signed: targets } = checkMetadata('targets', trustedRole(trusted, 'targets'));
  const topLevel = TOP_LEVEL_ROLES.map((role) => ({ role: role as string, ...keyholdersOf(root, role) }));
  const releasers = releasersOf(targets).map(({ app, ...keyholders }) => ({ role: releaseRoleOf(app), ...keyholders }));
  const roles = [...topLevel, ...releasers].map(({ role, keys, threshold }) => ({
    role,
    threshold,
    keyIds: keys.map(({ keyId }) => keyId),
  }));
  const versions = [...trusted].map(([file, bytes]) => ({
    file,
    version: versionOf(bytes),
    expiresAt: expiryOf(bytes).toISOString(),
  }));
  outputOf(command).result({ roles, versions, expired }, () => [
    ...roles.flatMap(({ role, threshold, keyIds }) => [
      `${role}: ${threshold} of ${keyIds.length}`,
      ...keyIds.map((keyId) => `  ${keyId}`),
    ]),
    ...listingLines(
      versions.map(({ file, version, expiresAt }) => [file, `version ${version}`, `until ${expiresAt}`]),
      'no metadata',
    ),
    ...expiredLines(expired),
  ]);
}

/** Nothing is signed, and what has run out is shown as well: whoever is to renew it looks here first. */
async function refreshAll(publisher: Publisher): Promise<HomeTrust> {
  const { trusted } = await refreshHome(publisher, { renewing: 'root' });
  return refreshHome(publisher, { renewing: 'root', targets: pathsInEveryRole(trusted) });
}
