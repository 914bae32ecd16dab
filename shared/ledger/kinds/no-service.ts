import type { z } from 'zod';
import type { CheckKind } from '../check-kind.ts';
import { expectNoReference, type ReferencesSeen, referencesParamsSchema, referencesSeenSchema } from './references.ts';

export type NoServiceParams = z.infer<typeof referencesParamsSchema>;
export type NoServiceObservation = ReferencesSeen;

/** No systemd unit, no timer and no cron entry refers to the installation. */
export const noServiceKind: CheckKind<NoServiceParams, NoServiceObservation> = {
  kind: 'no-service',
  params: referencesParamsSchema,
  observation: referencesSeenSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: ({ paths }, seen) => ({
    expectations: expectNoReference('units, timers and cron entries that refer to it', paths, seen),
    findings: [],
  }),
};
