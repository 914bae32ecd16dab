/** Live runs in the journal: one that was started is never started again, and one that the agent lost is told as lost. */
import type { JournalDatabase } from '../journal/journal.ts';
import { prepared } from '../journal/prepared.ts';

export interface StoredLiveRun {
  readonly id: string;
  readonly app: string;
  /** What was said of its start, as `LiveRunRecord` in JSON. */
  readonly record: string;
}

export class LiveStore {
  readonly #database: JournalDatabase;

  constructor(database: JournalDatabase) {
    this.#database = database;
  }

  has(live: string): boolean {
    return prepared<[string]>(this.#database, 'select 1 from live_runs where id = ?').get(live) !== undefined;
  }

  /** To be called inside the transaction that makes the start durable. */
  start({ id, app, record }: StoredLiveRun): void {
    prepared(this.#database, 'insert into live_runs (id, app, record) values (?, ?, ?)').run(id, app, record);
  }

  /** To be called inside the transaction that reports the end. */
  end(live: string): void {
    prepared(this.#database, 'update live_runs set ended = 1 where id = ?').run(live);
  }

  /** Started, and nobody has said how they ended. */
  unended(): StoredLiveRun[] {
    return prepared<[], StoredLiveRun>(
      this.#database,
      'select id, app, record from live_runs where ended = 0 order by id',
    ).all();
  }
}
