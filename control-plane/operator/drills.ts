/** Drills as operators see them: begun, followed, listed. */
import { RejectedError } from '../../shared/errors.ts';
import type {
  DrillRow,
  ListDrillsRequest,
  ListDrillsResponse,
  StartDrillResponse,
  StartKillDrillRequest,
  WatchDrillRequest,
} from '../../shared/rpc/generated/messages.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import { startKillDrill } from '../governance/kill-drill.ts';
import type { DrillOfferRow } from '../store/drill-schema.ts';
import { drillOffers, findDrill, listDrillRecords } from '../store/drills.ts';
import type { OperatorContext } from './operator-context.ts';

const LISTED_COUNT = 100;

/** The first round is on its way when this returns; the others follow. Errors: those of `startKillDrill`. */
export async function beginKillDrill(
  context: OperatorContext,
  request: StartKillDrillRequest,
): Promise<StartDrillResponse> {
  const { drillId, over } = await startKillDrill(context, request);
  over.catch((error: unknown) => context.onError('kill drill', error));
  return { drillId };
}

/**
 * Each row as it stands, then every change, until all have an answer or were not run; of a gate that was opened, also until
 * it is closed again. Errors: `drill-unknown`.
 */
export async function* watchDrill(
  { store, news }: OperatorContext,
  { drillId }: WatchDrillRequest,
  signal: AbortSignal,
): AsyncGenerator<DrillRow> {
  if (!(await findDrill(store, drillId))) {
    throw new RejectedError('drill-unknown', `failed to find drill "${drillId}"`, { hint: 'keyturn drill list' });
  }
  const wakeup = new Wakeup();
  const unsubscribe = news.subscribe(drillId, () => wakeup.wake());
  const told = new Set<string>();
  try {
    for (; !signal.aborted; await wakeup.sleep(signal)) {
      const rows = await drillOffers(store, drillId);
      for (const row of rows) {
        const key = `${row.host} ${row.name} ${row.round} ${row.offered_at} ${row.answered_at} ${row.not_run} ${row.closed_by}`;
        if (told.has(key)) continue;
        told.add(key);
        yield messageOf(row);
      }
      if (rows.every(isOver)) return;
    }
  } finally {
    unsubscribe();
  }
}

/** In the control plane's own words; what hosts have signed is in `watchDrill`. */
export async function listDrills(
  { store }: OperatorContext,
  { limit }: ListDrillsRequest,
): Promise<ListDrillsResponse> {
  const records = await listDrillRecords(store, limit === 0 ? LISTED_COUNT : Math.min(limit, LISTED_COUNT));
  const drills = [];
  for (const { id, kind, app, started_at } of records) {
    const rows = await drillOffers(store, id);
    const answered = rows.filter(({ answer }) => answer !== null);
    const goodCount = answered.filter(isGood).length;
    const counts = { rowCount: rows.length, goodCount, badCount: answered.length - goodCount };
    drills.push({ drillId: id, kind, app, startedAtMs: started_at, ...counts });
  }
  return { drills };
}

const NOTHING = Buffer.alloc(0);

function isGood({ name, answer, code, expected_code }: DrillOfferRow): boolean {
  return name === 'kill' ? answer === 'killed' : answer === 'refused' && code === expected_code;
}

function isOver({ not_run, receipt, answer, closed_by, name }: DrillOfferRow): boolean {
  if (not_run !== null) return true;
  return receipt !== null && (name === 'kill' || answer === 'refused' || closed_by !== null);
}

function messageOf(row: DrillOfferRow): DrillRow {
  return {
    host: row.host,
    row: row.name,
    round: row.round,
    expectedCode: row.expected_code ?? '',
    notRun: row.not_run ?? '',
    order: row.document ?? NOTHING,
    receipt: row.receipt ?? NOTHING,
    offeredAtMs: row.offered_at ?? 0,
    durableAtMs: row.durable_at ?? 0,
    answeredAtMs: row.answered_at ?? 0,
    closedBy: row.closed_by ?? '',
  };
}
