/** The clock of this host, against what has been signed: it must not run backwards, nor far behind the control plane's. */
import { parseEntry } from '../../../shared/ledger/entry.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { durationText, instantText } from '../../../shared/service/doctor/remaining-life.ts';
import { expiryOf, fileNameOf } from '../../../shared/trust/tuf-metadata.ts';
import type { JournalDatabase } from '../../journal/journal.ts';
import { loadTrusted } from '../../trust/metadata-store.ts';
import { loadLastPolicy } from '../../trust/policy.ts';
import type { DoctorContext } from './doctor-context.ts';

const MEND = 'timedatectl set-ntp true';

export async function examineClock({ journal, now }: Pick<DoctorContext, 'journal' | 'now'>): Promise<Diagnosis[]> {
  const known = await journal.read((opened) => ({
    lastSignedAt: lastSignedAt(opened),
    latestTimestampEnd: latestTimestampEnd(opened),
  }));
  if ('diagnosis' in known) return [known.diagnosis];
  const { lastSignedAt: signedAt, latestTimestampEnd: end } = known.found;
  if (signedAt !== undefined && signedAt > now) {
    const statement = `${durationText(signedAt - now)} behind what this host signed at ${instantText(signedAt)}: it has run backwards`;
    return [{ level: 'trouble', statement, mend: MEND }];
  }
  if (end !== undefined && end.expiresAt > now + end.lifeMs + LIMITS.clockDifferenceMs) {
    const aheadMs = end.expiresAt - now - end.lifeMs;
    const statement = `${durationText(aheadMs)} behind the control plane's, or its timestamps live longer than the policy allows`;
    return [{ level: 'trouble', statement, mend: MEND }];
  }
  return [{ level: 'ok', statement: `${instantText(now)}, not behind anything that was signed` }];
}

/** The newest entry of any ledger. */
function lastSignedAt(journal: JournalDatabase): number | undefined {
  const bytes = journal
    .prepare<[], Buffer>('select bytes from ledger_entries order by rowid desc limit 1')
    .pluck()
    .get();
  return bytes && Date.parse(parseEntry(bytes).entry.at);
}

/** When the trusted timestamp ends, and how long one may live; undefined before a policy was seen. */
function latestTimestampEnd(journal: JournalDatabase): { expiresAt: number; lifeMs: number } | undefined {
  const timestamp = loadTrusted(journal).get(fileNameOf('timestamp'));
  const policy = loadLastPolicy(journal);
  return timestamp && policy && { expiresAt: expiryOf(timestamp).getTime(), lifeMs: policy.timestampExpiresMs };
}
