/**
 * Runs in the journal. One step of a run is one transaction: its new state, its ledger entries, the signed head and
 * the outbox rows that report them (journal rule 2).
 */
import type { Json } from '../../shared/canonical-json.ts';
import { type LedgerEntryBody, parseEntry, type SealedEntry, sealEntry } from '../../shared/ledger/entry.ts';
import { signHead } from '../../shared/ledger/head.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import type { RunFacts } from '../checks/observe.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { JournalOutbox } from '../journal/outbox.ts';
import { isResting, type RunState } from './machine.ts';
import { parseRunState } from './saved-state.ts';

/** What was verified when the run was admitted; its digests stand in the first ledger entry. */
export const MATERIAL_NAMES = ['statement', 'manifest', 'plan', 'build-record', 'policy'] as const;
export type RunMaterials = Readonly<Record<(typeof MATERIAL_NAMES)[number], Buffer>>;

export interface LedgerReport {
  readonly run: string;
  readonly seq: number;
  readonly entry: Buffer;
  readonly head: Buffer;
}

export interface RunStoreOptions {
  readonly database: JournalDatabase;
  readonly outbox: JournalOutbox;
  readonly host: string;
  readonly hostKey: SigningKey;
  readonly now: () => Date;
  readonly encodeLedgerReport: (report: LedgerReport) => Uint8Array;
}

/** What the head is signed over besides the chain. */
interface HeadSubject {
  readonly app: string;
  readonly version: string;
  readonly treeDigest: string;
  readonly planDigest: string;
  readonly policyDigest: string;
}

export class RunStore {
  readonly #options: RunStoreOptions;

  constructor(options: RunStoreOptions) {
    this.#options = options;
  }

  /** Runs that still have something to do, in the order of their directives. */
  unfinished(): string[] {
    const rows = this.#options.database
      .prepare<[], { id: string; state: string }>('select id, state from runs order by directive')
      .all();
    return rows.filter((row) => !isResting(parseRunState(row.state))).map((row) => row.id);
  }

  has(run: string): boolean {
    return this.#options.database.prepare('select 1 from runs where id = ?').get(run) !== undefined;
  }

  /** Errors: `RejectedError('journal-corrupt')`; throws for a run that is not there. */
  state(run: string): RunState {
    const row = this.#options.database
      .prepare<[string], { state: string }>('select state from runs where id = ?')
      .get(run);
    return parseRunState(row?.state ?? missing(run, 'state'));
  }

  materials(run: string): RunMaterials {
    const read = this.#options.database.prepare<[string, string], { bytes: Buffer }>(
      'select bytes from materials where run = ? and name = ?',
    );
    const entries = MATERIAL_NAMES.map((name) => [name, read.get(run, name)?.bytes ?? missing(run, name)]);
    return Object.fromEntries(entries) as RunMaterials;
  }

  entries(run: string): SealedEntry[] {
    return this.#options.database
      .prepare<[string], { bytes: Buffer }>('select bytes from ledger_entries where run = ? order by seq')
      .all(run)
      .map((row) => parseEntry(row.bytes));
  }

  /** Makes the run durable with its first ledger entry. `also` runs in the same transaction. */
  create(
    run: string,
    admitted: { directive: number; state: RunState; materials: RunMaterials; body: LedgerEntryBody },
    also: () => void,
  ): void {
    const { directive, state, materials, body } = admitted;
    const { database } = this.#options;
    database.transaction(() => {
      database
        .prepare('insert into runs (id, directive, state) values (?, ?, ?)')
        .run(run, directive, JSON.stringify(state));
      const insert = database.prepare('insert into materials (run, name, bytes) values (?, ?, ?)');
      for (const name of MATERIAL_NAMES) insert.run(run, name, materials[name]);
      this.#append(run, [body]);
      also();
    })();
    this.#options.outbox.announce();
  }

  /** Makes one step durable. `also` runs in the same transaction. A failed call leaves the run as it was. */
  commit(
    run: string,
    { state, bodies }: { state: RunState; bodies: readonly LedgerEntryBody[] },
    also: () => void = () => {},
  ): void {
    const { database } = this.#options;
    database.transaction(() => {
      const saved = database.prepare('update runs set state = ? where id = ?').run(JSON.stringify(state), run);
      if (saved.changes !== 1) missing(run, 'state');
      this.#append(run, bodies);
      also();
    })();
    this.#options.outbox.announce();
  }

  facts(run: string): RunFacts {
    const { database } = this.#options;
    return {
      load: (name) => {
        const row = database
          .prepare<[string, string], { value: string }>('select value from facts where run = ? and name = ?')
          .get(run, name);
        return row && (JSON.parse(row.value) as Json);
      },
      save: (name, fact) => {
        database
          .prepare(
            'insert into facts (run, name, value) values (?, ?, ?) on conflict (run, name) do update set value = excluded.value',
          )
          .run(run, name, JSON.stringify(fact));
      },
    };
  }

  #append(run: string, bodies: readonly LedgerEntryBody[]): void {
    const { database, outbox, host, hostKey, now, encodeLedgerReport } = this.#options;
    for (const body of bodies) {
      const previous = this.#lastEntry(run);
      const at = now().toISOString();
      // Read back before it is stored: what could not be read later would end the run for good.
      const sealed = parseEntry(sealEntry(previous, { run, host, at }, body).bytes);
      const head = signHead(
        { ...this.#subject(run, sealed), run, host, size: sealed.entry.seq + 1, head: sealed.digest, at },
        hostKey,
      );
      database
        .prepare('insert into ledger_entries (run, seq, bytes) values (?, ?, ?)')
        .run(run, sealed.entry.seq, sealed.bytes);
      database
        .prepare(
          'insert into ledger_heads (run, envelope) values (?, ?) on conflict (run) do update set envelope = excluded.envelope',
        )
        .run(run, head);
      outbox.append(encodeLedgerReport({ run, seq: sealed.entry.seq, entry: sealed.bytes, head }));
    }
  }

  #subject(run: string, fallback: SealedEntry): HeadSubject {
    const body = (this.#entryAt(run, 0) ?? fallback).entry.body;
    if (body.type !== 'run-admitted') throw new Error(`run "${run}" begins with "${body.type}"`);
    const { app, version, treeDigest, planDigest, policyDigest } = body;
    return { app, version, treeDigest, planDigest, policyDigest };
  }

  #lastEntry(run: string): SealedEntry | undefined {
    const row = this.#options.database
      .prepare<[string], { bytes: Buffer }>('select bytes from ledger_entries where run = ? order by seq desc limit 1')
      .get(run);
    return row && parseEntry(row.bytes);
  }

  #entryAt(run: string, seq: number): SealedEntry | undefined {
    const row = this.#options.database
      .prepare<[string, number], { bytes: Buffer }>('select bytes from ledger_entries where run = ? and seq = ?')
      .get(run, seq);
    return row && parseEntry(row.bytes);
  }
}

function missing(run: string, name: string): never {
  throw new Error(`failed to load run "${run}": its ${name} is not in the journal`);
}
