/** When a run entered its phases, by the entries that its host has signed. */
import type { OperatorClient } from '../../../control-plane/cli/client.ts';

interface Entry {
  readonly at: string;
  readonly body: { readonly type: string; readonly to?: string };
}

export interface LedgerTimes {
  /** Milliseconds since 1970 at which each phase was entered first. */
  readonly enteredAtMs: ReadonlyMap<string, number>;
  /** When the order was stored. */
  readonly orderedAtMs: number;
}

export async function ledgerTimes(client: OperatorClient, runId: string): Promise<LedgerTimes> {
  const enteredAtMs = new Map<string, number>();
  let orderedAtMs = 0;
  for await (const update of client.getRun({ runId })) {
    if (update.news === 'run') orderedAtMs = update.run.createdAtMs;
    if (update.news !== 'entry') continue;
    const { at, body } = JSON.parse(update.entry.entry.toString('utf8')) as Entry;
    if (body.type === 'phase-entered' && body.to !== undefined && !enteredAtMs.has(body.to)) {
      enteredAtMs.set(body.to, Date.parse(at));
    }
  }
  return { enteredAtMs, orderedAtMs };
}

/** From one phase to another. Errors: `Error` when the run has not been in both. */
export function msBetween({ enteredAtMs }: LedgerTimes, from: string, to: string): number {
  return instantOf(enteredAtMs, to) - instantOf(enteredAtMs, from);
}

export function instantOf(enteredAtMs: ReadonlyMap<string, number>, phase: string): number {
  const atMs = enteredAtMs.get(phase);
  if (atMs === undefined) throw new Error(`the run never entered the phase "${phase}"`);
  return atMs;
}
