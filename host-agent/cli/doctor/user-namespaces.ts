/** What an agent that is not root needs of the kernel to confine anything. */
import { readFileSync } from 'node:fs';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import type { DoctorContext } from './doctor-context.ts';

/** A kernel's setting that is in the way, by its name below `/proc/sys`; a kernel without it has nothing against us. */
const OBSTACLES = [
  { name: 'user.max_user_namespaces', bad: '0', good: '15000', level: 'trouble' },
  { name: 'kernel.unprivileged_userns_clone', bad: '0', good: '1', level: 'trouble' },
  // A profile may still allow bubblewrap what is restricted for others.
  { name: 'kernel.apparmor_restrict_unprivileged_userns', bad: '1', good: '0', level: 'warning' },
] as const;

export function examineUserNamespaces(
  { uid }: Pick<DoctorContext, 'uid'>,
  _signal: AbortSignal,
  readSetting: (name: string) => string | undefined = kernelSetting,
): Diagnosis[] {
  if (uid === 0) return [{ level: 'ok', statement: 'not needed: the agent is root' }];
  const faults = OBSTACLES.filter(({ name, bad }) => readSetting(name) === bad).map(
    ({ name, bad, good, level }): Diagnosis => ({
      level,
      statement: `${name} is ${bad}: user ${uid} may make no user namespace`,
      mend: `sysctl -w ${name}=${good}`,
    }),
  );
  return faults.length > 0 ? faults : [{ level: 'ok', statement: `user ${uid} may make them` }];
}

function kernelSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined; // this kernel has no such setting
  }
}
