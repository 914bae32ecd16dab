/** The gates as somebody who only looks sees them: nothing is opened, renewed, stopped or written here. */
import { systemClock } from '../../shared/time/clock.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { GateKeeper, type GateView } from './gate-keeper.ts';
import { GateStore } from './gate-store.ts';

export interface LookOptions {
  readonly nowMs?: () => number;
}

/** What the journal says of the gate of an application at that time; of a broken journal, that it cannot be told. Never throws. */
export function lookAtGate(
  database: JournalDatabase,
  app: string,
  { nowMs = systemClock.now }: LookOptions = {},
): GateView {
  return new GateKeeper({ store: new GateStore(database), nowMs, steadyMs: nowMs, onClosed: () => {} }).view(app);
}

/** Applications that the journal has a gate for, sorted; none when it cannot be read. */
export function applicationsWithGate(database: JournalDatabase): string[] {
  try {
    return new GateStore(database).applications();
  } catch {
    return []; // nothing is open for want of being listed: `lookAtGate` says why it cannot be read
  }
}
