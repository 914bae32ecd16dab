import { RejectedError } from '../../shared/errors.ts';
import { sqlKind } from '../../shared/ledger/kinds/sql.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { blocked, type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { lookIntoDatabase } from './sql/look.ts';

/** Counts through a secret's data source. Errors: `RejectedError('secret-not-in-plan')`, and those of `lookIntoDatabase`. */
export async function observeSql(context: CheckContext): Promise<CheckOutcome> {
  const { dsn, schemas, queries, digests } = paramsOf(sqlKind, context.check);
  if (!context.release.plan.secrets.includes(dsn)) {
    throw new RejectedError('secret-not-in-plan', `failed to use secret "${dsn}": the plan names no such secret`);
  }
  const dataSourceName = context.secrets.read(dsn);
  if (!dataSourceName) return blocked(`this host has no secret ${dsn}`, [`secret ${dsn}`]);
  const timeoutMs = timeoutMsOf(sqlKind, context.check);
  const request = { schemas, queries, digests, timeoutMs, signal: context.signal };
  const sight = await lookIntoDatabase(dataSourceName, request);
  return observed({
    engine: sight.engine,
    dsn,
    readOnly: { ...sight.readOnly, writePrivileges: [...sight.readOnly.writePrivileges] },
    counts: sight.counts,
    ...(digests && { digests: sight.digests }),
    ...(schemas && { unseen: sight.unseen.map((schema) => ({ ...schema })) }),
  });
}
