/** Hosts that cannot be reached, and what brings them back. */
import type { Host } from '../../../shared/rpc/generated/messages.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { durationText, instantText } from '../../../shared/service/doctor/remaining-life.ts';
import { HOST_CERTIFICATE_MS } from '../../authority/certificate-authority.ts';
import type { DoctorContext } from './doctor-context.ts';

/** More lines than people read. */
const NAMED_COUNT = 20;

export async function examineHosts(context: DoctorContext): Promise<Diagnosis[]> {
  const asked = await context.door.ask(({ client }) => client.listHosts({}));
  return 'diagnosis' in asked ? [asked.diagnosis] : diagnoseHosts(asked.answer.hosts, context);
}

/** The hosts that were revoked are where they should be: out. */
export function diagnoseHosts(
  hosts: readonly Host[],
  { now, command }: Pick<DoctorContext, 'now' | 'command'>,
): Diagnosis[] {
  const wanted = hosts.filter(({ revokedAtMs }) => revokedAtMs === 0);
  const faults = wanted.flatMap((host) => [...absenceOf(host, { now, command }), ...refusalsOf(host)]);
  const connected = wanted.filter(({ isConnected }) => isConnected).length;
  const counted: Diagnosis = { level: 'ok', statement: `${connected} of ${wanted.length} connected` };
  if (faults.length <= NAMED_COUNT) return [counted, ...faults];
  const worstFirst = faults.toSorted(
    (one, other) => Number(other.level === 'trouble') - Number(one.level === 'trouble'),
  );
  const rest: Diagnosis = { level: 'warning', statement: `and ${faults.length - NAMED_COUNT} more` };
  return [counted, ...worstFirst.slice(0, NAMED_COUNT), rest];
}

function absenceOf(host: Host, { now, command }: Pick<DoctorContext, 'now' | 'command'>): Diagnosis[] {
  const { name, isConnected, enrolledAtMs, lastSeenAtMs } = host;
  if (isConnected) return [];
  const token = command('host', 'token', name);
  if (enrolledAtMs === 0) return [{ level: 'warning', statement: `${name}: has never joined`, mend: token }];
  const heardAt = Math.max(lastSeenAtMs, enrolledAtMs);
  // A host renews its certificate over its connection: without one it ends a day after it was heard at the latest.
  if (heardAt + HOST_CERTIFICATE_MS <= now) {
    const statement = `${name}: its certificate has expired, it was last heard ${instantText(heardAt)}`;
    return [{ level: 'trouble', statement, mend: token }];
  }
  const seen = lastSeenAtMs === 0 ? 'never seen since it joined' : `last seen ${durationText(now - lastSeenAtMs)} ago`;
  return [
    { level: 'warning', statement: `${name}: not connected, ${seen}; on that host:`, mend: 'keyturn-agent doctor' },
  ];
}

function refusalsOf({ name, refusedReportCount, lastReportRefusal }: Host): Diagnosis[] {
  if (refusedReportCount === 0) return [];
  const statement = `${name}: ${refusedReportCount} of its reports were refused, the last as ${lastReportRefusal}`;
  return [{ level: 'warning', statement }];
}
