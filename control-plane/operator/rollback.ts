import { RejectedError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { RollbackRequest, RollbackResponse } from '../../shared/rpc/generated/messages.ts';
import { appendDirective } from '../store/directives.ts';
import { admittedHost } from '../store/hosts.ts';
import { findInstallingRun, setRefusal } from '../store/runs.ts';
import type { OperatorContext } from './operator-context.ts';

/**
 * The directive is durable when this returns. Errors: `run-not-found`, `run-rolled-back`, `nothing-to-remove`, and those
 * of `admittedHost`.
 */
export async function rollback(context: OperatorContext, request: RollbackRequest): Promise<RollbackResponse> {
  const { store, clock, sessions } = context;
  const { host } = request;
  const runId = await store.transaction().execute(async (transaction) => {
    const { incarnation } = await admittedHost(transaction, host);
    const run = await findInstallingRun(transaction, request);
    if (run === undefined || run.incarnation !== incarnation) {
      throw new RejectedError(
        'run-not-found',
        `failed to roll back "${request.app}" "${request.version}" on "${host}": no run installed it`,
        { hint: `see what was deployed there with \`keyturn runs --host ${host}\`` },
      );
    }
    if (run.phase === 'rolledBack') {
      throw new RejectedError(
        'run-rolled-back',
        `failed to roll back "${request.app}" "${request.version}" on "${host}": run "${run.id}" is rolled back already`,
      );
    }
    if (run.phase === 'failed' && run.has_promoted === 0) {
      throw new RejectedError(
        'nothing-to-remove',
        `failed to roll back "${request.app}" "${request.version}" on "${host}": run "${run.id}" failed before it put anything in place`,
        { hint: `see why with \`keyturn ledger ${run.id}\`` },
      );
    }
    await setRefusal(transaction, run.id, null);
    const bytes = directiveCodec.encode({ kind: 'rollback', rollback: { runId: run.id } });
    const created = { host, incarnation, created_at: clock.now() };
    await appendDirective(transaction, { ...created, run_id: run.id, kind: 'rollback', bytes });
    return run.id;
  });
  sessions.wake(host);
  return { runId };
}
