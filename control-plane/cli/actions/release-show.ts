/** `keyturn release show`. */

import type { Command } from 'commander';
import { readKtrRelease } from '../../../shared/release/ktr.ts';
import { type ReleaseStatement, releaseTargetPath } from '../../../shared/release/release-statement.ts';
import { inBundle, isBundleName, openBundle } from '../bundle-file.ts';
import { withControlPlane } from '../connection.ts';
import { outputOf } from '../output.ts';
import { parseReleaseName } from '../release-name.ts';

export async function show(name: string, command: Command): Promise<void> {
  const statement = isBundleName(name) ? await statementOfBundle(name) : await publishedStatement(name, command);
  outputOf(command).result({ statement }, () => [
    `${statement.app}@${statement.version}  (${releaseTargetPath(statement.app, statement.version)})`,
    `  commit        ${statement.commit}`,
    `  tree          ${statement.treeDigest}`,
    `  manifest      ${statement.manifest.sha256}`,
    `  plan          ${statement.plan.sha256}`,
    `  build record  ${statement.buildRecord.sha256}`,
    `  provenance    ${statement.provenance.sha256}`,
    `  archive       ${statement.archive.sha256}  ${statement.archive.name}`,
  ]);
}

async function statementOfBundle(file: string): Promise<ReleaseStatement> {
  const ktr = await openBundle(file);
  return (await inBundle(ktr.path, () => readKtrRelease(ktr))).statement;
}

/** The trust client is loaded for this alone. */
async function publishedStatement(name: string, command: Command): Promise<ReleaseStatement> {
  const release = parseReleaseName(name);
  const { readReleaseStatement } = await import('../published-release.ts');
  return withControlPlane(command, 'viewer', (publisher) => readReleaseStatement(release, publisher));
}
