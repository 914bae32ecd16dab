import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';

const namesSchema = z.strictObject({ names: z.array(z.string().max(64)).max(64) });
export type SecretsPresentParams = z.infer<typeof namesSchema>;
/** The names of which this host has a secret that is not empty; never a value (P7). */
export type SecretsPresentObservation = z.infer<typeof namesSchema>;

/** This host has every secret that must be there before anything begins (`secrets-to-have.ts`). A host that lacks one is blocked before it gets here. */
export const secretsPresentKind: CheckKind<SecretsPresentParams, SecretsPresentObservation> = {
  kind: 'secrets-present',
  params: namesSchema,
  observation: namesSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: ({ names }, seen) => ({
    expectations: [
      expectThat('secrets on this host', {
        expected: names.join(', '),
        actual: seen.names.join(', '),
        met: names.every((name) => seen.names.includes(name)),
      }),
    ],
    findings: [],
  }),
};
