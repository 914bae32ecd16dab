/** Git, which only `keyturn release build` needs. */
import { TransientError } from '../../../shared/errors.ts';
import { isInRange } from '../../../shared/release/version-range.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { gitVersion } from '../../build/git.ts';
import type { DoctorContext } from './doctor-context.ts';

const RANGE = '>=2.31';

export async function examineGit(_context: DoctorContext, signal: AbortSignal): Promise<Diagnosis[]> {
  try {
    return [diagnoseGit(await gitVersion(signal))];
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    return [{ level: 'warning', statement: `there is no git on PATH: releases cannot be built here` }];
  }
}

export function diagnoseGit(version: string): Diagnosis {
  if (isInRange(version, RANGE)) return { level: 'ok', statement: `git ${version}` };
  return { level: 'warning', statement: `git ${version}: releases are built with 2.31 or newer` };
}
