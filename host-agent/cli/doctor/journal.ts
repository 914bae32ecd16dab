/** The journal: that it opens, and that SQLite finds every page whole. */
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { sizeText } from '../../../shared/service/doctor/free-space.ts';
import { explainJournalError } from '../../journal/journal-error.ts';
import type { DoctorContext } from './doctor-context.ts';
import { READABLE_BYTES } from './journal-reading.ts';

export async function examineJournal({ journal }: Pick<DoctorContext, 'journal'>): Promise<Diagnosis[]> {
  const { size } = journal;
  if (size > READABLE_BYTES) {
    const statement = `${sizeText(size)}: too large to be read here, the agent reads all of it when it starts`;
    return [{ level: 'warning', statement }];
  }
  try {
    const found = String((await journal.open()).pragma('quick_check(1)', { simple: true }));
    if (found === 'ok') return [{ level: 'ok', statement: `${sizeText(size)}, whole` }];
    return [{ level: 'trouble', statement: `damaged: ${found}` }];
  } catch (error) {
    return [ofError(explainJournalError(error))];
  }
}
