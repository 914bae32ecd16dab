import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';

const name = z.string().max(64);

const observationSchema = z.strictObject({
  entrypoints: z.array(z.strictObject({ name, resolves: z.boolean(), how: z.string().max(512) })).max(1000),
});
export type DeclaredEntrypointsObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({ needed: z.array(name).max(1000) });

/**
 * Whether the entrypoints that the plan declares are there. One that a check needs must be; another that is not is a
 * finding.
 */
export const declaredEntrypointsKind: CheckKind<z.infer<typeof paramsSchema>, DeclaredEntrypointsObservation> = {
  kind: 'declared-entrypoints',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  judge: ({ needed }, { entrypoints }) => {
    const seen = new Map(entrypoints.map((entrypoint) => [entrypoint.name, entrypoint]));
    return {
      expectations: [
        expectThat('entrypoints looked for', { expected: 'at least 1', actual: seen.size, met: seen.size > 0 }),
        ...needed.map((name) =>
          expectThat(`entrypoint ${name} resolves`, {
            expected: 'it exists',
            actual: seen.get(name)?.how ?? 'not looked for',
            met: seen.get(name)?.resolves === true,
          }),
        ),
      ],
      findings: entrypoints
        .filter((entrypoint) => !entrypoint.resolves && !needed.includes(entrypoint.name))
        .map((entrypoint) => ({
          code: 'entrypoint-does-not-exist',
          statement: `entrypoint "${entrypoint.name}" does not exist: ${entrypoint.how}`,
        })),
    };
  },
};
