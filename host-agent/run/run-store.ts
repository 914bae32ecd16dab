/**
 * Runs in the journal. One step of a run is one transaction: its new state, its ledger entries, the signed head and
 * the outbox rows that report them (journal rule 2).
 */
import type { Json } from '../../shared/canonical-json.ts';
import { type LedgerEntryBody, parseEntry, type SealedEntry, sealEntry } from '../../shared/ledger/entry.ts';
import { signHead } from '../../shared/ledger/head.ts';
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import type { RunFacts } from '../checks/observe.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { JournalOutbox } from '../journal/outbox.ts';
import { type Prepared, prepared } from '../journal/prepared.ts';
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
  /** Entries that were parsed already. */
  #known: readonly SealedEntry[] = [];

  constructor(options: RunStoreOptions) {
    this.#options = options;
  }

  /** Runs that still have something to do, in the order of their directives. */
  unfinished(): string[] {
    const read = this.#prepared<[], { id: string; state: string }>('select id, state from runs order by directive');
    return read
      .all()
      .filter((row) => !isResting(parseRunState(row.state)))
      .map((row) => row.id);
  }

  /** Applications that were ever deployed here, sorted. */
  applications(): string[] {
    const read = this.#prepared<[], { bytes: Buffer }>("select bytes from materials where name = 'statement'");
    return [...new Set(read.all().map(({ bytes }) => parseReleaseStatement(bytes).app))].sort();
  }

  has(run: string): boolean {
    return this.#prepared<[string]>('select 1 from runs where id = ?').get(run) !== undefined;
  }

  /** Whether only the end of the run is left here: `pruneJournal` took the rest. */
  isPruned(run: string): boolean {
    return this.#entryAt(run, 0) === undefined;
  }

  /** Errors: `RejectedError('journal-corrupt')`; throws for a run that is not there. */
  state(run: string): RunState {
    const row = this.#prepared<[string], { state: string }>('select state from runs where id = ?').get(run);
    return parseRunState(row?.state ?? missing(run, 'state'));
  }

  materials(run: string): RunMaterials {
    const read = this.#prepared<[string, string], { bytes: Buffer }>(
      'select bytes from materials where run = ? and name = ?',
    );
    const entries = MATERIAL_NAMES.map((name) => [name, read.get(run, name)?.bytes ?? missing(run, name)]);
    return Object.fromEntries(entries) as RunMaterials;
  }

  /** Of the newest run that still has its materials. */
  newestMaterial(name: keyof RunMaterials): Buffer | undefined {
    return this.#prepared<[string], { bytes: Buffer }>(
      'select bytes from materials join runs on runs.id = run where name = ? order by directive desc limit 1',
    ).get(name)?.bytes;
  }

  entries(run: string): SealedEntry[] {
    const read = this.#prepared<[string], { bytes: Buffer }>(
      'select bytes from ledger_entries where run = ? order by seq',
    );
    return read.all(run).map((row) => parseEntry(row.bytes));
  }

  /** The head that was signed last. */
  head(run: string): Buffer {
    const read = this.#prepared<[string], { envelope: Buffer }>('select envelope from ledger_heads where run = ?');
    return read.get(run)?.envelope ?? missing(run, 'head');
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
      const begin = this.#prepared('insert into runs (id, directive, state) values (?, ?, ?)');
      begin.run(run, directive, JSON.stringify(state));
      const insert = this.#prepared('insert into materials (run, name, bytes) values (?, ?, ?)');
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
      const saved = this.#prepared('update runs set state = ? where id = ?').run(JSON.stringify(state), run);
      if (saved.changes !== 1) missing(run, 'state');
      this.#append(run, bodies);
      also();
    })();
    this.#options.outbox.announce();
  }

  facts(run: string): RunFacts {
    const read = this.#prepared<[string, string], { value: string }>(
      'select value from facts where run = ? and name = ?',
    );
    const write = this.#prepared(
      'insert into facts (run, name, value) values (?, ?, ?) on conflict (run, name) do update set value = excluded.value',
    );
    return {
      load: (name) => {
        const row = read.get(run, name);
        return row && (JSON.parse(row.value) as Json);
      },
      save: (name, fact) => void write.run(run, name, JSON.stringify(fact)),
    };
  }

  #append(run: string, bodies: readonly LedgerEntryBody[]): void {
    const { outbox, host, now, encodeLedgerReport } = this.#options;
    const insert = this.#prepared('insert into ledger_entries (run, seq, bytes) values (?, ?, ?)');
    for (const body of bodies) {
      // Read back before it is stored: what could not be read later would end the run for good.
      const at = now().toISOString();
      const sealed = parseEntry(sealEntry(this.#lastEntry(run), { run, host, at }, body).bytes);
      const { seq } = sealed.entry;
      insert.run(run, seq, sealed.bytes);
      outbox.append(encodeLedgerReport({ run, seq, entry: sealed.bytes, head: this.#saveHead(run, sealed) }));
      this.#keep(sealed);
    }
  }

  #saveHead(run: string, sealed: SealedEntry): Buffer {
    const { host, hostKey } = this.#options;
    const { at, seq } = sealed.entry;
    const head = signHead(
      { ...this.#subject(run, sealed), run, host, size: seq + 1, head: sealed.digest, at },
      hostKey,
    );
    const save = this.#prepared(
      'insert into ledger_heads (run, envelope) values (?, ?) on conflict (run) do update set envelope = excluded.envelope',
    );
    save.run(run, head);
    return head;
  }

  #subject(run: string, fallback: SealedEntry): HeadSubject {
    const body = (this.#entryAt(run, 0) ?? fallback).entry.body;
    if (body.type !== 'run-admitted') throw new Error(`run "${run}" begins with "${body.type}"`);
    const { app, version, treeDigest, planDigest, policyDigest } = body;
    return { app, version, treeDigest, planDigest, policyDigest };
  }

  #lastEntry(run: string): SealedEntry | undefined {
    const row = this.#prepared<[string], { bytes: Buffer }>(
      'select bytes from ledger_entries where run = ? order by seq desc limit 1',
    ).get(run);
    return row && this.#parsed(row.bytes);
  }

  #entryAt(run: string, seq: number): SealedEntry | undefined {
    const row = this.#prepared<[string, number], { bytes: Buffer }>(
      'select bytes from ledger_entries where run = ? and seq = ?',
    ).get(run, seq);
    return row && this.#parsed(row.bytes);
  }

  /** What the journal holds is built upon, never what is remembered; only what is byte for byte the same is not parsed again. */
  #parsed(bytes: Buffer): SealedEntry {
    const known = this.#known.find((entry) => entry.bytes.equals(bytes));
    if (known) return known;
    const sealed = parseEntry(bytes);
    this.#keep(sealed);
    return sealed;
  }

  /** The first and the last of the run that was gone on with last. */
  #keep(sealed: SealedEntry): void {
    const { run, seq } = sealed.entry;
    this.#known = [sealed, ...this.#known.filter(({ entry }) => seq > 0 && entry.run === run && entry.seq === 0)];
  }

  #prepared<P extends unknown[] = unknown[], R = unknown>(sql: string): Prepared<P, R> {
    return prepared<P, R>(this.#options.database, sql);
  }
}

function missing(run: string, name: string): never {
  throw new Error(`failed to load run "${run}": its ${name} is not in the journal`);
}
