/**
 * A drill as its hosts have answered it: each answer is verified here, with the key that this machine knows the host by and against
 * the very order that was sent.
 */

import { type Receipt, verifyReceipt } from '../../shared/orders/receipt.ts';
import type { DrillRow } from '../../shared/rpc/generated/messages.ts';
import { UsageError } from '../../shared/service/failure.ts';
import { parseHostName } from './host-name.ts';
import type { Publisher } from './publication.ts';
import { hostKeys } from './watch-order.ts';

export interface FollowedRow {
  readonly host: string;
  readonly row: string;
  readonly round: number;
  /** Undefined when it was not run. */
  readonly expected: string | undefined;
  readonly notRun: string | undefined;
  readonly answer: Receipt['answer'] | undefined;
  readonly code: string | undefined;
  /** From the order to its being durable on the host; undefined where nobody measured it. */
  readonly durableMs: number | undefined;
  /** From the order to the answer. */
  readonly answeredMs: number | undefined;
  /** The kill that closed again what should not have opened. */
  readonly closedBy: string | undefined;
}

/** All rows, sorted; those without an answer after `patienceMs` as far as they are. Errors: those of `verifyReceipt` and `pinnedHostKey`. */
export async function followDrill(
  drillId: string,
  { publisher, patienceMs }: { publisher: Publisher; patienceMs: number },
): Promise<FollowedRow[]> {
  const keys = await hostKeys(publisher);
  const rows = new Map<string, FollowedRow>();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patienceMs);
  try {
    for await (const row of publisher.client.watchDrill({ drillId }, { signal: late.signal })) {
      rows.set(`${row.host} ${row.row} ${row.round}`, verifiedRow(row, keys));
    }
  } catch (error) {
    if (!late.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return [...rows.values()];
}

/** Empty for every host that is connected. Errors: `UsageError`. */
export function drilledNames({ host = [], all }: { host?: readonly string[]; all?: boolean }): string[] {
  if (host.length > 0 === (all === true)) throw new UsageError('expected --host HOST, or --all for every host');
  return host.map(parseHostName);
}

function verifiedRow(row: DrillRow, keys: (host: string) => string): FollowedRow {
  const { host, order, receipt } = row;
  const said = receipt.length === 0 ? undefined : verifyReceipt(receipt, { host, publicKey: keys(host), order });
  return {
    host,
    row: row.row,
    round: row.round,
    expected: textOf(row.expectedCode),
    notRun: textOf(row.notRun),
    answer: said?.answer,
    code: said?.code,
    durableMs: since(row.durableAtMs, row.offeredAtMs),
    answeredMs: since(row.answeredAtMs, row.offeredAtMs),
    closedBy: textOf(row.closedBy),
  };
}

function since(atMs: number, beganMs: number): number | undefined {
  return atMs === 0 || beganMs === 0 ? undefined : atMs - beganMs;
}

function textOf(text: string): string | undefined {
  return text === '' ? undefined : text;
}
