import { z } from 'zod';
import { NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';
import { expectExit, processFindings, processSeenSchema } from './process-seen.ts';
import {
  expectReadOnly,
  readOnlyProofSchema,
  sqlCountsSchema,
  sqlDigestsSchema,
  unseenFindings,
  unseenSchemaSchema,
} from './sql.ts';

const name = z.string().regex(NAME_PATTERN);
const stopGate = z.string().regex(/^[A-Z][A-Z0-9-]{0,15}$/);

const paramsSchema = z.strictObject({
  entrypoint: name,
  /** Invariants of the plan whose counts must be the same before and after; a dry run that proves none proves nothing. */
  invariants: z.array(name).min(1).max(32),
});
export type DryrunParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  entrypoint: z.string().max(64),
  /** The last process of the dry run: the one that closed it. */
  process: processSeenSchema,
  /** What the entrypoint declares. */
  declaredStopGates: z.array(stopGate).max(32),
  /** Where it paused and was resumed by a ruling, in order. */
  resumedStopGates: z.array(stopGate).max(64),
  /** Whether its closeout line came. */
  isClosedOut: z.boolean(),
  /** What it said when it closed out, cut. */
  closeout: z.string().max(1_024).optional(),
  invariants: z
    .array(
      z.strictObject({
        name,
        /** The secret's name. */
        dsn: z.string().max(64).optional(),
        /** Of the session before. */
        readOnly: readOnlyProofSchema,
        /** Of the session after. */
        readOnlyAfter: readOnlyProofSchema.optional(),
        before: sqlCountsSchema,
        after: sqlCountsSchema,
        digestsBefore: sqlDigestsSchema.optional(),
        digestsAfter: sqlDigestsSchema.optional(),
        unseen: z.array(unseenSchemaSchema).max(64).optional(),
      }),
    )
    .max(32),
});
export type DryrunObservation = z.infer<typeof observationSchema>;

/** A dry run over live data: it paused at each of its stop gates, closed out, and left every production count as it was. */
export const dryrunKind: CheckKind<DryrunParams, DryrunObservation> = {
  kind: 'dryrun',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 3_600_000,
  judge: ({ entrypoint, invariants }, seen) => ({
    expectations: [
      expectEqual('entrypoint', entrypoint, seen.entrypoint),
      expectExit('end', [0], seen.process),
      expectEqual('stop gates passed', seen.declaredStopGates, seen.resumedStopGates),
      expectEqual('closeout', true, seen.isClosedOut),
      ...invariants.flatMap((invariant) => expectInvariant(invariant, seen)),
    ],
    findings: [
      ...processFindings(seen.process),
      ...seen.invariants.flatMap(({ dsn = '', unseen }) => unseenFindings({ dsn, unseen })),
    ],
  }),
};

function expectInvariant(invariant: string, { invariants }: DryrunObservation): Expectation[] {
  const seen = invariants.find((candidate) => candidate.name === invariant);
  const hasCounts = seen !== undefined && Object.keys(seen.before).length > 0;
  if (!hasCounts) {
    const nothing = expectThat(`invariant "${invariant}"`, { expected: 'counts', actual: 'none', met: false });
    return seen ? [...expectReadOnly(seen.readOnly), nothing] : [nothing]; // why nothing was counted
  }
  return [
    ...expectReadOnly(seen.readOnly),
    ...(seen.readOnlyAfter ? expectReadOnly(seen.readOnlyAfter) : []),
    expectEqual(`invariant "${invariant}"`, countsText(seen.before), countsText(seen.after)),
    ...expectDigests(invariant, seen),
  ];
}

function expectDigests(invariant: string, { digestsBefore = {}, digestsAfter = {} }: SeenInvariant): Expectation[] {
  const names = [...new Set([...Object.keys(digestsBefore), ...Object.keys(digestsAfter)])].sort();
  return names.map((query) =>
    expectEqual(
      `content "${query}" of invariant "${invariant}"`,
      digestsBefore[query]?.sha256 ?? 'none',
      digestsAfter[query]?.sha256 ?? 'none',
    ),
  );
}

type SeenInvariant = DryrunObservation['invariants'][number];

function countsText(counts: Readonly<Record<string, number>>): string {
  const names = Object.keys(counts).sort();
  return names.map((query) => `${query} ${counts[query]}`).join(', ');
}
