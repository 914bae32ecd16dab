/** What the running agent does about a request of root on its host. */
import type { GateKeeper } from '../gate/gate-keeper.ts';
import type { LiveRegistry } from '../live/live-registry.ts';
import type { WorkDoor } from '../service/work-door.ts';
import { failureOf } from './failure-answer.ts';
import type { HostKiller } from './host-killer.ts';
import type { ApplyRequest, ExecRequest, KillRequest, LocalAnswer, LocalRequest } from './messages.ts';

export interface RequestMeans {
  readonly keeper: GateKeeper;
  readonly registry: LiveRegistry;
  readonly killer: HostKiller;
  readonly door: WorkDoor;
  readonly makeLiveId: () => string;
}

/** Errors: `RejectedError` and the journal's; what was said before has happened. */
export function followRequest(request: LocalRequest, means: RequestMeans): AsyncIterable<LocalAnswer> {
  switch (request.do) {
    case 'kill':
      return followKillRequest(request, means);
    case 'exec':
      return followExecRequest(request, means);
    case 'apply':
      return followApplyRequest(request, means);
  }
}

/** All are closed before anybody waits for what runs. One that cannot be closed keeps none of the others open. */
export async function* followKillRequest(
  { app, reason, by }: KillRequest,
  { killer, registry }: Pick<RequestMeans, 'killer' | 'registry'>,
): AsyncGenerator<LocalAnswer> {
  if (app !== undefined) killer.checkKnown(app);
  const answers = (app === undefined ? killer.applications() : [app]).map((name) =>
    killed(name, { reason, by, killer }),
  );
  for (const answer of answers) yield answer;
  for (const answer of answers) {
    if (answer.said !== 'killed') continue;
    await registry.gone(answer.app);
    yield { said: 'stopped', app: answer.app };
  }
}

function killed(
  app: string,
  { reason, by, killer }: { reason: string; by: string; killer: HostKiller },
): Extract<LocalAnswer, { said: 'killed' | 'failed' }> {
  try {
    return { said: 'killed', app, epoch: killer.kill(app, { reason, by }) };
  } catch (error) {
    return failureOf(error, { app });
  }
}

async function* followExecRequest(
  { app, entrypoint }: ExecRequest,
  { keeper, door, makeLiveId }: RequestMeans,
): AsyncGenerator<LocalAnswer> {
  keeper.permitFor(app, entrypoint); // nothing has to be loaded to say no
  const { record, ended } = await door.start({ live: makeLiveId(), app, entrypoint });
  yield { said: 'started', record };
  yield { said: 'ended', record: await ended };
}

async function* followApplyRequest(
  { path, maxAgeDays }: ApplyRequest,
  { door }: RequestMeans,
): AsyncGenerator<LocalAnswer> {
  const maxAgeMs = maxAgeDays === undefined ? undefined : maxAgeDays * DAY_MS;
  const { app, receipt, order, trustAgeMs, refusal } = await door.apply({ path, maxAgeMs });
  yield {
    said: 'applied',
    app,
    receipt: receipt.toString('base64'),
    order: order.toString('base64'),
    trustAgeMs,
    ...(refusal && { failure: failureOf(refusal) }),
  };
}

const DAY_MS = 86_400_000;
