/**
 * The examinations' way to the journal: opened by the first that asks, shared by all, closed by the doctor.
 *
 * SQLite makes two files beside a database that nobody has open, for readers as well; left behind by another user, they would
 * keep the agent out. So a journal that is not in use is read from a copy.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { copyPlainFile } from '../../../shared/store/file-copy.ts';
import { ScratchFolder } from '../../../shared/store/scratch-folder.ts';
import { type JournalDatabase, openJournalToRead } from '../../journal/journal.ts';
import { explainJournalError } from '../../journal/journal-error.ts';

/** Copied and read by SQLite, which cannot be interrupted, in about a second. */
export const READABLE_BYTES = 256 * 1024 * 1024;

const FILE = 'journal.sqlite';

export class JournalReading {
  readonly #stateDirectory: string;
  #scratch: ScratchFolder | undefined;
  #opened: Promise<JournalDatabase> | undefined;

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  /** In bytes; 0 where there is none. */
  get size(): number {
    return statSync(this.#path(), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Errors: as `openJournalToRead`; `TransientError` for one that is too large. */
  open(): Promise<JournalDatabase> {
    this.#opened ??= this.#open();
    return this.#opened;
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
    this.#scratch?.remove();
  }

  async #open(): Promise<JournalDatabase> {
    const isInUse = existsSync(this.#path('-shm'));
    if (isInUse || this.size === 0) return openJournalToRead(this.#stateDirectory);
    if (this.size > READABLE_BYTES) throw new TransientError(`failed to read "${this.#path()}": it is too large here`);
    this.#scratch = new ScratchFolder('keyturn-doctor');
    for (const suffix of ['', '-wal'].filter((name) => existsSync(this.#path(name)))) {
      await copyPlainFile(this.#path(suffix), this.#scratch.at(`${FILE}${suffix}`), { mode: 0o600 });
    }
    return openJournalToRead(this.#scratch.path);
  }

  #path(suffix = ''): string {
    return join(this.#stateDirectory, `${FILE}${suffix}`);
  }
}
