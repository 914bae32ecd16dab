/** What this host trusts, as it stands in its journal: how long that still counts, and how fresh it is. */
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnoseLife } from '../../../shared/service/doctor/remaining-life.ts';
import { expiryOf, fileNameOf } from '../../../shared/trust/tuf-metadata.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import type { JournalDatabase } from '../../journal/journal.ts';
import type { DoctorContext } from './doctor-context.ts';

interface Adopted {
  readonly name: string;
  readonly bytes: Buffer;
  readonly adoptedAt: string;
}

/** Renewed by people elsewhere; this host only learns of it. */
const OFFLINE_ROLES = ['root', 'targets', 'snapshot'] as const;

export async function examineTrust({ journal, now }: Pick<DoctorContext, 'journal' | 'now'>): Promise<Diagnosis[]> {
  const adopted = await journal.read(adoptedMetadata);
  if ('diagnosis' in adopted) return [adopted.diagnosis];
  const byName = new Map(adopted.found.map((row) => [row.name, row]));
  const root = byName.get(fileNameOf('root'));
  if (root === undefined) return [{ level: 'trouble', statement: 'there is no pinned root: enrol this host anew' }];
  checkMetadata('root', root.bytes);
  return [
    ...OFFLINE_ROLES.flatMap((role) => roleDiagnoses(role, { row: byName.get(fileNameOf(role)), now })),
    ...timestampDiagnoses(byName.get(fileNameOf('timestamp')), now),
  ];
}

function adoptedMetadata(journal: JournalDatabase): Adopted[] {
  return journal.prepare<[], Adopted>('select name, bytes, adopted_at as adoptedAt from trusted_metadata').all();
}

/** Metadata does not say when it was signed; that this host has it for so long is the life that is known here. */
function roleDiagnoses(
  role: (typeof OFFLINE_ROLES)[number],
  { row, now }: { row: Adopted | undefined; now: number },
): Diagnosis[] {
  if (row === undefined) return [];
  const expiresAt = expiryOf(row.bytes).getTime();
  const lifeMs = expiresAt - Date.parse(row.adoptedAt);
  return [diagnoseLife({ what: role, expiresAt, lifeMs, now, mend: `keyturn trust rotate ${role}` })];
}

/** An agent that has nothing to admit does not refresh: an old timestamp is a fact, and no fault yet. */
function timestampDiagnoses(row: Adopted | undefined, now: number): Diagnosis[] {
  if (row === undefined) return [];
  const expiresAt = expiryOf(row.bytes).getTime();
  const { statement } = diagnoseLife({ what: 'timestamp', expiresAt, lifeMs: 0, now });
  if (expiresAt > now) return [{ level: 'ok', statement }];
  return [{ level: 'warning', statement: `${statement}; it is refreshed when a release is ordered` }];
}
