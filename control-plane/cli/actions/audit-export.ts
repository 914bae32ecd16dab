/** `keyturn audit export`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { sha256 } from '../../../shared/digest.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { exportLog } from '../export-log.ts';
import { outputOf } from '../output.ts';
import { assertOutputFile } from '../output-file.ts';

export async function exportAudit(command: Command): Promise<void> {
  const { out, first = 0, limit = 0 } = command.opts<{ out: string; first?: number; limit?: number }>();
  const path = resolve(out);
  assertOutputFile(path, 'log');
  const { bytes, found } = await withControlPlane(command, 'viewer', (publisher) =>
    exportLog({ first, limit }, publisher),
  );
  writeFileAtomic(path, bytes);
  const { origin, size, root } = found.log;
  const shown = { first: found.first, count: found.records.length };
  const document = {
    path,
    sha256: sha256(bytes),
    bytes: bytes.length,
    origin,
    size,
    root: root.toString('hex'),
    ...shown,
  };
  outputOf(command).result(document, () => [
    path,
    `  sha256 ${document.sha256}, ${bytes.length} bytes`,
    `  ${shown.count} of ${size} entries of ${origin}, from ${shown.first} on`,
    'verify it anywhere: verify-bundle FILE --root root.json',
  ]);
}
