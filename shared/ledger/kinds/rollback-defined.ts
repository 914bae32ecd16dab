import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';

const paramsSchema = z.strictObject({ root: z.string(), path: z.string() });
export type RollbackDefinedParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  root: hostPathSchema,
  path: hostPathSchema,
  /** What undoes the installation by hand. */
  command: z.string().max(4096),
});
export type RollbackDefinedObservation = z.infer<typeof observationSchema>;

/** The rollback is one command that removes one path, known before anything has moved. */
export const rollbackDefinedKind: CheckKind<RollbackDefinedParams, RollbackDefinedObservation> = {
  kind: 'rollback-defined',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge({ path }, seen) {
    const below = seen.path.startsWith(`${seen.root}/`) ? seen.path.slice(seen.root.length + 1) : undefined;
    return {
      expectations: [
        expectPlanPath(path, seen.path),
        expectThat('path is directly below the install root', {
          expected: `one name below ${seen.root}`,
          actual: below ?? `${seen.path}, which is outside`,
          met: below !== undefined && below !== '' && below !== '.' && below !== '..' && !below.includes('/'),
        }),
        expectEqual('rollback', rollbackCommand(seen.path), seen.command),
      ],
      findings: [],
    };
  },
};

/** The command for a shell; the path is quoted where it needs to be. */
export function rollbackCommand(path: string): string {
  return `rm -rf ${/^[A-Za-z0-9/._-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`}`;
}
