/**
 * Reading the journal from outside, whether an agent runs on it or not, and leaving nothing behind.
 *
 * SQLite makes two files beside a database that nobody has open, for readers as well; left behind by another user, they
 * would keep the agent out. So a journal beside which they do not stand is read from a copy. One beside which they stand is
 * in use, or was when its agent was killed: it is read where it is, as SQLite lets any number of readers do.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TransientError } from '../../shared/errors.ts';
import { copyPlainFile } from '../../shared/store/file-copy.ts';
import { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { JOURNAL_FILE, type JournalDatabase, openJournalInPlace } from './journal.ts';

export interface JournalToRead {
  readonly database: JournalDatabase;
  /** Closes the database, and removes the copy if there is one. */
  close(): void;
}

/**
 * `maxBytes`: a journal that would have to be copied and has more is not. Errors: as `openJournal`; `TransientError` for
 * one that is too large, or cannot be copied.
 */
export async function openJournalToRead(
  stateDirectory: string,
  { maxBytes = Number.POSITIVE_INFINITY }: { maxBytes?: number } = {},
): Promise<JournalToRead> {
  const size = journalBytes(stateDirectory);
  if (size === 0 || isInUse(stateDirectory)) return inPlace(stateDirectory);
  if (size > maxBytes)
    throw new TransientError(`failed to read "${join(stateDirectory, JOURNAL_FILE)}": it is too large here`);
  const scratch = new ScratchFolder('keyturn-journal');
  try {
    await copyJournal(stateDirectory, scratch);
    // An agent that began meanwhile may have written to what was being copied.
    if (!isInUse(stateDirectory)) return readFrom(scratch, stateDirectory);
  } catch (error) {
    scratch.remove();
    throw error;
  }
  scratch.remove();
  return inPlace(stateDirectory);
}

/** In bytes; 0 where there is none. */
export function journalBytes(stateDirectory: string): number {
  return statSync(join(stateDirectory, JOURNAL_FILE), { throwIfNoEntry: false })?.size ?? 0;
}

function isInUse(stateDirectory: string): boolean {
  return ['-shm', '-wal'].every((suffix) => existsSync(join(stateDirectory, `${JOURNAL_FILE}${suffix}`)));
}

function inPlace(stateDirectory: string): JournalToRead {
  const database = openJournalInPlace(stateDirectory);
  return { database, close: () => void database.close() };
}

async function copyJournal(stateDirectory: string, scratch: ScratchFolder): Promise<void> {
  for (const name of [JOURNAL_FILE, `${JOURNAL_FILE}-wal`]) {
    const path = join(stateDirectory, name);
    if (existsSync(path)) await copyPlainFile(path, scratch.at(name), { mode: 0o600 });
  }
}

function readFrom(scratch: ScratchFolder, stateDirectory: string): JournalToRead {
  const database = openJournalInPlace(stateDirectory, { copiedTo: scratch.path });
  const close = (): void => {
    database.close();
    scratch.remove();
  };
  return { database, close };
}
