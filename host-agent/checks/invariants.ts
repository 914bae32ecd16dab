/** What the invariants of a plan count, each through the secret that it names, over a session that can only read. */
import { RejectedError } from '../../shared/errors.ts';
import type { DryrunObservation } from '../../shared/ledger/kinds/dryrun.ts';
import { dryrunKind } from '../../shared/ledger/kinds/dryrun.ts';
import type { Plan } from '../../shared/release/plan.ts';
import { timeoutMsOf } from './check-params.ts';
import type { CheckContext } from './observe.ts';
import { lookIntoDatabase } from './sql/look.ts';

type Seen = DryrunObservation['invariants'][number];

export interface InvariantReading {
  readonly name: string;
  readonly dsn: string;
  readonly readOnly: Seen['readOnly'];
  readonly counts: Seen['before'];
  readonly digests?: Seen['digestsBefore'];
  readonly unseen?: Seen['unseen'];
}

/** Longer than any count that people wait for; the check's own timeout may be hours. */
const MOST_MS = 300_000;

/** In the order of the names. Errors: `RejectedError` with `invariant-undeclared` or `secret-missing`; those of `lookIntoDatabase`. */
export async function readInvariants(names: readonly string[], context: CheckContext): Promise<InvariantReading[]> {
  const readings: InvariantReading[] = [];
  for (const name of names) readings.push(await readInvariant(name, context));
  return readings;
}

async function readInvariant(
  name: string,
  { release, secrets, check, signal }: CheckContext,
): Promise<InvariantReading> {
  const { dsn, schemas, queries, digests } = declaredInvariant(release.plan, name);
  const dataSourceName = secrets.read(dsn);
  if (!dataSourceName) {
    throw new RejectedError('secret-missing', `failed to read invariant "${name}": this host has no secret "${dsn}"`, {
      hint: `store it with: keyturn-agent secret ${dsn}`,
    });
  }
  const timeoutMs = Math.min(MOST_MS, timeoutMsOf(dryrunKind, check));
  const sight = await lookIntoDatabase(dataSourceName, { schemas, queries, digests, timeoutMs, signal });
  return {
    name,
    dsn,
    readOnly: { ...sight.readOnly, writePrivileges: [...sight.readOnly.writePrivileges] },
    counts: { ...sight.counts },
    ...(digests && { digests: { ...sight.digests } }),
    ...(schemas && { unseen: sight.unseen.map((schema) => ({ ...schema })) }),
  };
}

/** Errors: `RejectedError('invariant-undeclared')`. */
export function declaredInvariant(plan: Plan, name: string): Plan['invariants'][string]['sql'] {
  const invariant = Object.hasOwn(plan.invariants, name) ? plan.invariants[name] : undefined;
  if (invariant) return invariant.sql;
  throw new RejectedError(
    'invariant-undeclared',
    `failed to find invariant "${name}": the plan declares none of that name`,
  );
}
