import { z } from 'zod';
import { NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectEqual, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

const name = z.string().regex(NAME_PATTERN);
/** As the database has it, capitals and all; PostgreSQL cuts names at 63 bytes. */
const schemaName = z.string().min(1).max(63);
const query = z.string().min(1).max(16_384);
const bound = z.int().min(0);

const countExpectationSchema = z
  .strictObject({ equals: bound.optional(), min: bound.optional(), max: bound.optional() })
  .refine(({ equals, min, max }) => (equals ?? min ?? max) !== undefined, 'expected equals, min or max');

const paramsSchema = z
  .strictObject({
    /** The secret that holds the data source name. */
    dsn: name,
    /** Those that the session must not be able to write, and that it should see; all schemas of users unless said. */
    schemas: z.array(schemaName).min(1).max(64).optional(),
    /** Each gives one row with one count. */
    queries: z.record(name, query).refine((queries) => Object.keys(queries).length > 0, 'expected a query'),
    /** Each gives rows in an order of its own, of which a digest is made. */
    digests: z.record(name, query).optional(),
    /** By query. One without an expectation must give a count, whichever it is. */
    expect: z.record(name, countExpectationSchema).default({}),
  })
  .refine(
    ({ queries, expect }) => Object.keys(expect).every((query) => Object.hasOwn(queries, query)),
    'expected a query for each expectation',
  );
export type SqlParams = z.infer<typeof paramsSchema>;

const triedWrite = z.enum(['refused', 'accepted', 'untried']);
/** What the refusal was: a SQLSTATE, or SQLite's name for it. */
const refusalCode = z.string().max(64);

/** Proofs that the session could not write; none of them rests on good will. */
export const readOnlyProofSchema = z.strictObject({
  /** The server's own word, before the queries and behind them: `transaction_read_only`, or SQLite's `query_only`. */
  isTransactionReadOnly: z.boolean(),
  /**
   * What the session's role, or a role that it may become, could change in another transaction: `INSERT public.documents`,
   * `OWNER public.documents`, `SUPERUSER admin`; the first of them. SQLite has no roles.
   */
  writePrivileges: z.array(z.string().max(256)).max(32),
  /** A write that could change no row was tried. */
  write: triedWrite,
  writeCode: refusalCode.optional(),
  /**
   * The same write where nothing but the role's lack of privileges stands in its way, or the handle that the file was opened
   * by; absent where privileges were found, and from agents that did not try.
   */
  openWrite: z.strictObject({ write: triedWrite, code: refusalCode.optional() }).optional(),
});
export type ReadOnlyProof = z.infer<typeof readOnlyProofSchema>;

export const sqlCountsSchema = z.record(name, z.int().min(0));

/** SHA-256 over the rows, each as a JSON array of texts and nulls and a line feed, in the order in which they came. */
export const sqlDigestsSchema = z.record(
  name,
  z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), rowCount: z.int().min(0) }),
);

/** A schema that was named and that the session does not see: it is not there, or the role has no right to look into it. */
export const unseenSchemaSchema = z.strictObject({ schema: schemaName, why: z.enum(['absent', 'no-usage']) });
export type UnseenSchema = z.infer<typeof unseenSchemaSchema>;

const observationSchema = z.strictObject({
  engine: z.enum(['postgresql', 'sqlite']),
  /** The secret's name. */
  dsn: z.string().max(64),
  readOnly: readOnlyProofSchema,
  /** None where the session is not proven: nothing of the plan's is run over it. */
  counts: sqlCountsSchema,
  digests: sqlDigestsSchema.optional(),
  unseen: z.array(unseenSchemaSchema).max(64).optional(),
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
      ...Object.keys(params.digests ?? {}).map((query) => expectDigest(query, seen)),
    ],
    findings: unseenFindings(seen),
  }),
};

export function expectReadOnly(proof: ReadOnlyProof): Expectation[] {
  const { isTransactionReadOnly, writePrivileges, write, openWrite } = proof;
  return [
    expectEqual('transaction is read-only', true, isTransactionReadOnly),
    expectThat('write privileges', {
      expected: 'none',
      actual: writePrivileges.length === 0 ? 'none' : writePrivileges.join(', '),
      met: writePrivileges.length === 0,
    }),
    expectEqual('a write that could change no row', 'refused', write),
    ...(openWrite ? [expectRefusal(openWrite)] : []),
  ];
}

/** `42501`: insufficient privilege. `0A000`: a standby lets nobody begin such a transaction. */
const OWN_REFUSALS = ['42501', '0A000', 'SQLITE_READONLY'];

/** A write that failed for any other reason proves nothing. */
function expectRefusal({ write, code = 'no code' }: NonNullable<ReadOnlyProof['openWrite']>): Expectation {
  return expectThat('the same write outside of a read-only transaction', {
    expected: `refused by ${OWN_REFUSALS.join(', ')}`,
    actual: write === 'refused' ? `refused by ${code}` : write,
    met: write === 'refused' && OWN_REFUSALS.includes(code),
  });
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

function expectDigest(query: string, { digests }: SqlObservation): Expectation {
  const seen = digests?.[query];
  return expectThat(`digest "${query}"`, {
    expected: 'a digest',
    actual: seen ? `${seen.sha256} of ${seen.rowCount} rows` : 'none',
    met: seen !== undefined,
  });
}

const WHY_UNSEEN: Readonly<Record<UnseenSchema['why'], string>> = {
  absent: 'there is none of that name',
  'no-usage': 'its role has no right to look into it',
};

/** A schema that was to be looked at and that the session does not see. */
export function unseenFindings({ dsn, unseen = [] }: Pick<SqlObservation, 'dsn' | 'unseen'>): Finding[] {
  return unseen.map(({ schema, why }) => ({
    code: `schema-${why}`,
    statement: `the session through secret ${dsn} does not see schema "${schema}": ${WHY_UNSEEN[why]}`,
  }));
}

function isWithin(
  { equals = NaN, min = 0, max = Infinity }: z.infer<typeof countExpectationSchema>,
  seen: number,
): boolean {
  return (Number.isNaN(equals) || seen === equals) && seen >= min && seen <= max;
}
