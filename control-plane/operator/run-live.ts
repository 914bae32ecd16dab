import { RejectedError } from '../../shared/errors.ts';
import { APP_PATTERN } from '../../shared/release/names.ts';
import { NAME_PATTERN } from '../../shared/release/plan.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { RunLiveRequest, RunLiveResponse } from '../../shared/rpc/generated/messages.ts';
import { makeRunId } from '../../shared/time/run-id.ts';
import { appendDirective } from '../store/directives.ts';
import { admittedHost } from '../store/hosts.ts';
import { addLiveRun } from '../store/live-runs.ts';
import type { OperatorContext } from './operator-context.ts';

/** Durable when this returns; whether anything starts is for the host's gate to say. Errors: `live-run-malformed`, those of `admittedHost`. */
export async function runLive(
  { store, clock, sessions, random }: OperatorContext,
  { host, app, entrypoint }: RunLiveRequest,
): Promise<RunLiveResponse> {
  if (!APP_PATTERN.test(app) || !NAME_PATTERN.test(entrypoint)) {
    throw new RejectedError(
      'live-run-malformed',
      'failed to run live: expected the names of an application and an entrypoint',
    );
  }
  const liveId = makeRunId(clock.now(), random);
  await store.transaction().execute(async (transaction) => {
    const { incarnation } = await admittedHost(transaction, host);
    const created = { host, incarnation, created_at: clock.now() };
    await addLiveRun(transaction, { id: liveId, ...created, app, entrypoint });
    const bytes = directiveCodec.encode({ kind: 'runLive', runLive: { liveId, app, entrypoint } });
    await appendDirective(transaction, { ...created, run_id: liveId, kind: 'runLive', bytes });
  });
  sessions.wake(host);
  return { liveId };
}
