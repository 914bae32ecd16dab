/** Whether this host has joined a control plane, and as whom. */
import { RejectedError } from '../../../shared/errors.ts';
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { loadHostConfig } from '../../host/host-config.ts';
import type { DoctorContext } from './doctor-context.ts';

const UNEXAMINED = 'not examined before that: journal, identity, trust, clock, install roots, secrets, gateway';

export function examineEnrolment({ stateDirectory, command }: DoctorContext): Diagnosis[] {
  try {
    const { host, gateway } = loadHostConfig(stateDirectory);
    return [{ level: 'ok', statement: `${host}, enrolled at ${gateway}` }];
  } catch (error) {
    const isMissing = error instanceof RejectedError && error.code === 'not-enrolled';
    const found: Diagnosis = isMissing
      ? {
          level: 'trouble',
          statement: `${stateDirectory}: this host is not enrolled`,
          mend: command('enrol', 'BUNDLE', '--install-root', 'PATH'),
        }
      : ofError(error);
    return [found, { level: 'warning', statement: UNEXAMINED }];
  }
}
