/** A keeper over a real journal, with a clock that the test sets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GateKeeper, type GateView } from '../../../host-agent/gate/gate-keeper.ts';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { createJournal, type JournalDatabase, openJournal } from '../../../host-agent/journal/journal.ts';
import {
  admit,
  type EnableOffer,
  type GateFacts,
  type GroundFacts,
  type HostFacts,
} from '../../../shared/orders/admit.ts';
import { factsOf, NOW_MS, STANDING } from '../../support/enable-world.ts';

export const APP = STANDING.app;

interface EnableOptions {
  readonly ground?: GroundFacts;
  readonly receipt?: () => void;
}

export class GateWorld {
  readonly folder: string;
  nowMs = NOW_MS;
  /** Grows beside `nowMs`, from wherever. */
  steadyMs = 0;
  database: JournalDatabase;
  store: GateStore;
  keeper: GateKeeper;
  /** What was ended, with the reason. */
  readonly closed: { readonly app: string; readonly reason: string }[] = [];

  constructor(folder = mkdtempSync(join(tmpdir(), 'keyturn-gate-'))) {
    this.folder = folder;
    this.database = createJournal(folder);
    [this.store, this.keeper] = this.#keep();
  }

  /** As an agent does with an offer that reaches it. */
  enable(offer: EnableOffer, { ground = groundOf(), receipt }: EnableOptions = {}): GateView {
    const { freshUntilMs } = ground;
    const decide = (gate: GateFacts) => admit(offer, { ...ground, ...gate });
    return this.keeper.enable(APP, { decide, envelope: offer.envelope, freshUntilMs, receipt });
  }

  /** The agent is started anew on what is durable. */
  restart(): void {
    this.database.close();
    this.database = openJournal(this.folder);
    [this.store, this.keeper] = this.#keep();
    this.keeper.restart();
  }

  remove(): void {
    this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Every row that the gate has written. */
  onDisk(): Record<string, unknown[]> {
    const tables = ['gate_states', 'spent_nonces', 'log_checkpoints', 'outbox'];
    return Object.fromEntries(tables.map((table) => [table, this.database.prepare(`select * from ${table}`).all()]));
  }

  #keep(): [GateStore, GateKeeper] {
    const store = new GateStore(this.database);
    const onClosed = (app: string, reason: string) => void this.closed.push({ app, reason });
    return [store, new GateKeeper({ store, nowMs: () => this.nowMs, steadyMs: () => this.steadyMs, onClosed })];
  }
}

/** What a host knows beside its gate. */
export function groundOf(change: Partial<HostFacts> = {}): GroundFacts {
  const {
    epoch: _epoch,
    isUsed: _isUsed,
    nowMs: _nowMs,
    isClockBehind: _behind,
    seen: _seen,
    ...ground
  } = factsOf(change);
  return ground;
}
