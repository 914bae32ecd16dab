/** `keyturn audit list` and `keyturn audit verify`. */
import type { Command } from 'commander';
import { sha256, shortDigest } from '../../../shared/digest.ts';
import type { LogEntry } from '../../../shared/rpc/generated/messages.ts';
import { verifyLog } from '../audit-log.ts';
import { withControlPlane } from '../connection.ts';
import { listingLines } from '../listing.ts';
import { logEntryClaim } from '../log-entry-text.ts';
import { outputOf } from '../output.ts';

/** What the control plane says; `verify` is what shows that it is so. */
export async function listAudit(command: Command): Promise<void> {
  const { first = 0, limit = 0 } = command.opts<{ first?: number; limit?: number }>();
  const entries = await withControlPlane(command, 'viewer', async ({ client }) => {
    const listed: LogEntry[] = [];
    for await (const entry of client.listLog({ first, limit })) listed.push(entry);
    return listed;
  });
  const rows = entries.map(({ index, kind, document, loggedAtMs }) => ({
    index,
    kind,
    sha256: sha256(document),
    loggedAt: new Date(loggedAtMs).toISOString(),
    ...logEntryClaim(kind, document),
  }));
  outputOf(command).result({ entries: rows }, () =>
    listingLines(
      rows.map((row) => [String(row.index), row.kind, shortDigest(row.sha256), row.loggedAt, row.about]),
      'nothing was decided yet',
    ),
  );
}

export async function verifyAudit(command: Command): Promise<void> {
  const found = await withControlPlane(command, 'viewer', verifyLog);
  const { origin, size, root, grewFrom } = found;
  const grown = grewFrom === undefined ? 'first look' : `only grew since it had ${grewFrom}`;
  outputOf(command).result(found, () => [
    `log      ${origin}`,
    `entries  ${size}, each where the log says, none left out`,
    `root     ${root}`,
    `history  ${grown}`,
  ]);
}
