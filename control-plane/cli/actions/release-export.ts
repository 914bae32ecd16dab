/** `keyturn release export`. */

import type { Command } from 'commander';
import { inBundle, isBundleName, openBundle } from '../bundle-file.ts';
import { withControlPlane } from '../connection.ts';
import { type ExportedArchive, exportArchive } from '../export-archive.ts';
import { outputOf } from '../output.ts';
import { parseReleaseName } from '../release-name.ts';

export async function exportRelease(name: string, command: Command): Promise<void> {
  const out = command.optsWithGlobals().out as string | undefined;
  const exported = isBundleName(name) ? await fromBundle(name, out) : await fromControlPlane(name, { out, command });
  outputOf(command).result(exported, () => [
    `${exported.path}`,
    `  sha256 ${exported.sha256}, ${exported.bytes} bytes`,
  ]);
}

async function fromBundle(file: string, out: string | undefined): Promise<ExportedArchive> {
  const ktr = await openBundle(file);
  return inBundle(ktr.path, () => exportArchive({ ktr }, out));
}

async function fromControlPlane(
  name: string,
  { out, command }: { out: string | undefined; command: Command },
): Promise<ExportedArchive> {
  const release = parseReleaseName(name);
  const { readReleaseStatement } = await import('../published-release.ts');
  return withControlPlane(command, 'viewer', async (publisher) => {
    const statement = await readReleaseStatement(release, publisher);
    return exportArchive({ statement, client: publisher.client }, out);
  });
}
