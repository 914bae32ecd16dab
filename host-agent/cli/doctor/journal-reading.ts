/** The examinations' way to the journal: opened by the first that asks, shared by all, closed by the doctor. */
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import type { JournalDatabase } from '../../journal/journal.ts';
import { explainJournalError } from '../../journal/journal-error.ts';
import { type JournalToRead, journalBytes, openJournalToRead } from '../../journal/journal-reading.ts';

/** Copied and read by SQLite, which cannot be interrupted, in about a second. */
export const READABLE_BYTES = 256 * 1024 * 1024;

export class JournalReading {
  readonly #stateDirectory: string;
  #opened: Promise<JournalToRead> | undefined;

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  /** In bytes; 0 where there is none. */
  get size(): number {
    return journalBytes(this.#stateDirectory);
  }

  /** Errors: as `openJournalToRead`; `TransientError` for one that is too large. */
  async open(): Promise<JournalDatabase> {
    this.#opened ??= openJournalToRead(this.#stateDirectory, { maxBytes: READABLE_BYTES });
    return (await this.#opened).database;
  }

  /** What `look` finds, or that the journal could not be read: why, its own examination says. */
  async read<T>(
    look: (journal: JournalDatabase) => T,
  ): Promise<{ readonly found: T } | { readonly diagnosis: Diagnosis }> {
    try {
      return { found: look(await this.open()) };
    } catch (error) {
      const explained = explainJournalError(error);
      if (!(explained instanceof RejectedError || explained instanceof TransientError)) throw error;
      return { diagnosis: { level: 'warning', statement: 'not examined: the journal cannot be read' } };
    }
  }

  async close(): Promise<void> {
    const journal = await this.#opened?.catch(() => undefined);
    journal?.close();
  }
}
