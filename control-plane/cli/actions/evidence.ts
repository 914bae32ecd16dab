/** `keyturn evidence`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { sha256 } from '../../../shared/digest.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { exportEvidence } from '../export-evidence.ts';
import { outputOf } from '../output.ts';
import { assertOutputFile } from '../output-file.ts';

export async function saveEvidence(runId: string, command: Command): Promise<void> {
  const path = resolve(command.opts<{ out: string }>().out);
  assertOutputFile(path, 'evidence');
  const { bytes, evidence } = await withControlPlane(command, 'viewer', (publisher) =>
    exportEvidence(runId, publisher),
  );
  writeFileAtomic(path, bytes);
  const { ledger, open, orders, kills, receipts } = evidence;
  const { run, host, verdict } = ledger.summary;
  const counts = { orders: orders.length, kills: kills.length, receipts: receipts.length };
  outputOf(command).result(
    { path, sha256: sha256(bytes), bytes: bytes.length, run, host, verdict, open, ...counts },
    () => [
      path,
      `  sha256 ${sha256(bytes)}, ${bytes.length} bytes`,
      `  run ${run} on ${host}, verdict ${verdict}; ${counts.orders} orders, ${counts.kills} kills, ${counts.receipts} receipts`,
      ...open.map(({ code, statement }) => `  not proven: ${code}: ${statement}`),
      `verify it anywhere: verify-bundle ${path} --root root.json --host-key ${host}.pem`,
    ],
  );
}
