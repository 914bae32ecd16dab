/** Reads an agent's journal from outside, as it stands on disk. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { GateState } from '../../host-agent/gate/machine.ts';
import type { RunState } from '../../host-agent/run/machine.ts';
import { MATERIAL_NAMES, type RunMaterials } from '../../host-agent/run/run-store.ts';

export class JournalReader implements Disposable {
  readonly #database: Database.Database;

  constructor(stateDirectory: string) {
    this.#database = new Database(join(stateDirectory, 'journal.sqlite'), { readonly: true, timeout: 10_000 });
  }

  /** Ids of its runs, oldest first. */
  runs(): string[] {
    return this.#all<{ id: string }>('select id from runs order by id').map(({ id }) => id);
  }

  state(run: string): RunState {
    const [row] = this.#all<{ state: string }>('select state from runs where id = ?', run);
    if (!row) throw new Error(`the journal has no run "${run}"`);
    return JSON.parse(row.state) as RunState;
  }

  /** The ledger, oldest entry first, as it was signed. */
  entries(run: string): Buffer[] {
    return this.#all<{ bytes: Buffer }>('select bytes from ledger_entries where run = ? order by seq', run).map(
      ({ bytes }) => bytes,
    );
  }

  head(run: string): Buffer | undefined {
    return this.#all<{ envelope: Buffer }>('select envelope from ledger_heads where run = ?', run)[0]?.envelope;
  }

  materials(run: string): RunMaterials {
    const rows = this.#all<{ name: string; bytes: Buffer }>('select name, bytes from materials where run = ?', run);
    if (rows.length !== MATERIAL_NAMES.length) throw new Error(`run "${run}" has ${rows.length} materials`);
    return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes])) as unknown as RunMaterials;
  }

  /** How many reports the control plane has not acknowledged. */
  outboxCount(): number {
    return this.#all<{ count: number }>('select count(*) as count from outbox')[0]?.count ?? 0;
  }

  /** How many directives wait for their turn. */
  unhandledCount(): number {
    return this.#all<{ count: number }>('select count(*) as count from directives where handled = 0')[0]?.count ?? 0;
  }

  /** The state of an application's gate, as it was written down; undefined when nobody ever spoke of it. */
  gateState(app: string): GateState | undefined {
    const [row] = this.#all<{ state: string }>('select state from gate_states where app = ?', app);
    return row && (JSON.parse(row.state) as GateState);
  }

  /** How many orders have ever opened the gate. */
  spentCount(app: string): number {
    return this.#all<{ count: number }>('select count(*) as count from spent_nonces where app = ?', app)[0]?.count ?? 0;
  }

  lastDirectiveSeq(): number {
    return this.#all<{ seq: number | null }>('select max(seq) as seq from directives')[0]?.seq ?? 0;
  }

  /** Of the largest state of the log that this host remembers. */
  seenLogSize(): number {
    return this.#all<{ size: number | null }>('select max(size) as size from log_checkpoints')[0]?.size ?? 0;
  }

  directiveCount(): number {
    return this.#all<{ count: number }>('select count(*) as count from directives')[0]?.count ?? 0;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #all<Row>(sql: string, ...values: string[]): Row[] {
    return this.#database.prepare<string[], Row>(sql).all(...values);
  }
}
