import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnoseFreeSpace, readFreeSpace } from '../../../shared/service/doctor/free-space.ts';
import type { DoctorContext } from './doctor-context.ts';

/** Keys are written aside and renamed: without room no rotation comes to its end. */
export async function examineDiskSpace({ home }: DoctorContext): Promise<Diagnosis[]> {
  return [diagnoseFreeSpace(home.folder, await readFreeSpace(home.folder))];
}
