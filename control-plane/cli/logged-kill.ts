/** What the control plane wrote into its log of an operator's word: the hosts answer to exactly that. */
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { readKillRecord } from '../../shared/orders/kill-record.ts';
import { parseNote } from '../../shared/transparency/signed-note.ts';
import type { OperatorClient } from './client.ts';

/** It is among the last: what hosts answered meanwhile stands behind it. */
const PAGE_ENTRIES = 64;

/** Errors: `order-unknown`; `order-differs` where it is about another application. */
export async function loggedKill(
  { order, app }: { order: string; app: string },
  client: Pick<OperatorClient, 'fetchCheckpoint' | 'listLog'>,
): Promise<Buffer> {
  for (let end = await logSize(client); end > 0; end -= PAGE_ENTRIES) {
    const first = Math.max(0, end - PAGE_ENTRIES);
    for await (const { kind, document } of client.listLog({ first, limit: end - first })) {
      if (kind !== 'kill' || sha256(document) !== order) continue;
      if (readKillRecord(document)?.app === app) return document;
      throw new RejectedError('order-differs', `asked to kill "${app}": the control plane wrote down something else`);
    }
  }
  throw new RejectedError('order-unknown', `failed to find kill "${order}" in the log`);
}

/** Of a signed checkpoint, whose second line it is. Nothing hangs on it: what is found is known by its digest. */
async function logSize(client: Pick<OperatorClient, 'fetchCheckpoint'>): Promise<number> {
  const { checkpoint } = await client.fetchCheckpoint({ oldSize: 0 });
  const [, size = ''] = parseNote(checkpoint).text.split('\n');
  return Number(size);
}
