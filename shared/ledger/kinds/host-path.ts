import { z } from 'zod';
import { expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

/** A path as it stands on the host: the plan's own, below the host's root prefix if it has one. */
export const hostPathSchema = z.string().min(1).max(2048);

export function expectPlanPath(planPath: string, hostPath: string): Expectation {
  return expectThat('path', { expected: planPath, actual: hostPath, met: hostPath.endsWith(planPath) });
}
