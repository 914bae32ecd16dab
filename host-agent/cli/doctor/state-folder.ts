/** The agent's own folder: keys, journal and secrets are in it. */
import { statSync } from 'node:fs';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnoseFreeSpace, readFreeSpace } from '../../../shared/service/doctor/free-space.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import type { DoctorContext } from './doctor-context.ts';

export async function examineStateFolder({ stateDirectory }: DoctorContext): Promise<Diagnosis[]> {
  // Enrolment makes it.
  if (!statSync(stateDirectory, { throwIfNoEntry: false })) return [];
  return [
    ...diagnosePrivacy(stateDirectory, { kind: 'folder', whenReadable: 'warning' }),
    diagnoseFreeSpace(stateDirectory, await readFreeSpace(stateDirectory)),
  ];
}
