/** `keyturn inbox`: what waits to be signed. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { instantText } from '../instant-text.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

const SHOWN_ID = 12;

export async function listInbox(command: Command): Promise<void> {
  const { decisions } = await withControlPlane(command, 'viewer', ({ client }) => client.listDecisions({}));
  outputOf(command).result({ decisions }, () =>
    listingLines(
      decisions.map(({ id, kind, title, signatureCount, sentAtMs, submittedAtMs }) => [
        id.slice(0, SHOWN_ID),
        kind,
        `${signatureCount} signed`,
        sentAtMs === 0 ? 'waits' : `sent ${instantText(sentAtMs)}`,
        instantText(submittedAtMs),
        title,
      ]),
      'nothing waits to be signed',
    ),
  );
}
