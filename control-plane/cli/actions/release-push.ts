/** `keyturn release push`. */

import type { Command } from 'commander';
import { readKtrRelease } from '../../../shared/release/ktr.ts';
import { releaseRoleOf } from '../../../shared/trust/tuf-metadata.ts';
import { inBundle, openBundle } from '../bundle-file.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { outputOf } from '../output.ts';
import { type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { progressLine } from '../progress-line.ts';
import { pushRelease } from '../push.ts';
import { terminalOf } from '../terminal.ts';

export async function push(file: string, command: Command): Promise<void> {
  const output = outputOf(command);
  const ktr = await openBundle(file);
  const { statement } = await inBundle(ktr.path, () => readKtrRelease(ktr));
  const home = homeOf(command);
  const keys = await withPassphrase(command.optsWithGlobals() as PassphraseOptions, (passphrase) => ({
    release: home.loadKeys(releaseRoleOf(statement.app), passphrase),
    snapshot: home.loadKeys('snapshot', passphrase),
  }));
  const terminal = terminalOf(process.stderr, process.env);
  const progress = progressLine('upload', { terminal, write: output.progress, now: () => performance.now() });
  const receipt = await withControlPlane(command, 'releaser', (publisher) =>
    pushRelease(ktr, { publisher, keys, onProgress: progress.update }),
  ).finally(progress.end);
  output.result(receipt, () => [
    `pushed ${receipt.app}@${receipt.version}`,
    `  statement ${receipt.statementDigest}, signed by ${receipt.releaseKeys} release key${receipt.releaseKeys === 1 ? '' : 's'}`,
    `  ${receipt.uploadedBlobs} blobs uploaded (${receipt.uploadedBytes} bytes), ${receipt.presentBlobs} were there`,
  ]);
}
