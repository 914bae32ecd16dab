import { z } from 'zod';
import { NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

const name = z.string().regex(NAME_PATTERN);
const bound = z.int().min(0);

const countExpectationSchema = z
  .strictObject({ equals: bound.optional(), min: bound.optional(), max: bound.optional() })
  .refine(({ equals, min, max }) => (equals ?? min ?? max) !== undefined, 'expected equals, min or max');

const paramsSchema = z
  .strictObject({
    /** The secret that holds the data source name. */
    dsn: name,
    /** Each gives one row with one count. */
    queries: z
      .record(name, z.string().min(1).max(16_384))
      .refine((queries) => Object.keys(queries).length > 0, 'expected a query'),
    /** By query. One without an expectation must give a count, whichever it is. */
    expect: z.record(name, countExpectationSchema).default({}),
  })
  .refine(
    ({ queries, expect }) => Object.keys(expect).every((query) => Object.hasOwn(queries, query)),
    'expected a query for each expectation',
  );
export type SqlParams = z.infer<typeof paramsSchema>;

/** Three proofs that the session could not write; none of them rests on good will. */
export const readOnlyProofSchema = z.strictObject({
  /** The server's own word: `transaction_read_only`, or SQLite's `query_only` on a file opened read-only. */
  isTransactionReadOnly: z.boolean(),
  /** Tables that the session's role may change, `INSERT documents`; the first of them. */
  writePrivileges: z.array(z.string().max(256)).max(32),
  /** A write that could change no row was tried. */
  write: z.enum(['refused', 'accepted', 'untried']),
});
export type ReadOnlyProof = z.infer<typeof readOnlyProofSchema>;

export const sqlCountsSchema = z.record(name, z.int().min(0));

const observationSchema = z.strictObject({
  engine: z.enum(['postgresql', 'sqlite']),
  /** The secret's name. */
  dsn: z.string().max(64),
  readOnly: readOnlyProofSchema,
  counts: sqlCountsSchema,
});
export type SqlObservation = z.infer<typeof observationSchema>;

/** Counts from a database over a session that provably cannot write. */
export const sqlKind: CheckKind<SqlParams, SqlObservation> = {
  kind: 'sql',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  bearsCompany: true,
  judge: (params, seen) => ({
    expectations: [
      expectEqual('data source', params.dsn, seen.dsn),
      ...expectReadOnly(seen.readOnly),
      ...Object.keys(params.queries).map((query) => expectCount(query, params.expect[query], seen.counts[query])),
    ],
    findings: [],
  }),
};

export function expectReadOnly({ isTransactionReadOnly, writePrivileges, write }: ReadOnlyProof): Expectation[] {
  return [
    expectEqual('transaction is read-only', true, isTransactionReadOnly),
    expectThat('write privileges', {
      expected: 'none',
      actual: writePrivileges.length === 0 ? 'none' : writePrivileges.join(', '),
      met: writePrivileges.length === 0,
    }),
    expectEqual('a write that could change no row', 'refused', write),
  ];
}

function expectCount(
  query: string,
  wanted: z.infer<typeof countExpectationSchema> | undefined,
  seen: number | undefined,
): Expectation {
  const rules = Object.entries(wanted ?? {}).map(([rule, value]) => `${rule} ${value}`);
  return expectThat(`count "${query}"`, {
    expected: rules.length === 0 ? 'a count' : rules.join(', '),
    actual: seen ?? 'none',
    met: seen !== undefined && isWithin(wanted ?? {}, seen),
  });
}

function isWithin(
  { equals = NaN, min = 0, max = Infinity }: z.infer<typeof countExpectationSchema>,
  seen: number,
): boolean {
  return (Number.isNaN(equals) || seen === equals) && seen >= min && seen <= max;
}
