/**
 * The agent of one host, from its start to its end.
 *
 * 1. One agent a state folder: whoever comes second is refused, and touches nothing.
 * 2. A stop leaves the journal as it is; the next start goes on from there.
 * 3. A host that its control plane has put out has nobody to work for: its agent ends, and says so.
 * 4. An agent that waits holds its configuration, its journal and its link; what does the work is loaded with the first of it.
 */
import { RejectedError } from '../shared/errors.ts';
import type { Logger } from '../shared/service/service-log.ts';
import type { Clock } from '../shared/time/clock.ts';
import type { Wakeup } from '../shared/time/wakeup.ts';
import { type HostConfig, loadHostConfig } from './host/host-config.ts';
import { openJournal } from './journal/journal.ts';
import { lockStateFolder } from './journal/state-lock.ts';
import type { Link } from './link/link.ts';
import { type Foundations, type WaitingParts, waitingParts } from './service/agent-foundations.ts';
import { buildLink } from './service/agent-link.ts';
import { untilWorkIsDue } from './service/due-work.ts';
import { openLocalDesk } from './service/local-desk.ts';

export interface AgentOptions {
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Numbers from 0 up to, not including, 1. */
  readonly random: () => number;
  /** Milliseconds that only ever grow; the machine's own steady clock unless said. */
  readonly steadyMs?: () => number;
  readonly log: Logger;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

export interface Agent {
  readonly config: HostConfig;
  readonly link: Link;
  /** Resolves when the agent was stopped, rejects when it could not go on, or was put out (`RejectedError`). */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Errors: `RejectedError` when this host is not enrolled, its configuration is malformed or another agent runs here;
 * those of `openJournal`. Nothing is left open then.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { stateDirectory } = options;
  const config = loadHostConfig(stateDirectory);
  await using starting = new AsyncDisposableStack();
  starting.use(lockStateFolder(stateDirectory));
  const database = starting.adopt(openJournal(stateDirectory), (journal) => void journal.close());
  const stopping = new AbortController();
  const steadyMs = options.steadyMs ?? (() => performance.now());
  const foundations: Foundations = { ...options, steadyMs, config, database, signal: stopping.signal };
  const parts = waitingParts(foundations);
  starting.use(await openLocalDesk(foundations, parts));
  const link = buildLink(foundations, parts);
  const held = starting.move();
  link.start();
  const working = workWhenDue(foundations, { ...parts, link });
  const closed = untilOver(working, { link, stopping, ...parts }).finally(async () => {
    await parts.registry.close('the agent ends');
    stopping.abort();
    await link.stop();
    parts.gateFile.close();
    await held.disposeAsync();
  });
  const ended = closed.then((reason) => {
    if (reason) throw putOut(reason, config);
  });
  // Whoever awaits `ended` hears of a failure; nobody need.
  ended.catch(() => undefined);
  return {
    config,
    link,
    ended,
    stop: async () => {
      await parts.registry.close('the agent stops');
      stopping.abort();
      await closed;
    },
  };
}

/** Resolves when the work has ended. Where the host is put out, the work ends once nothing is left to do (3): gives why. */
async function untilOver(
  working: Promise<void>,
  { link, wakeup, stopping }: { link: Link; wakeup: Wakeup; stopping: AbortController },
): Promise<RejectedError | undefined> {
  const reason = (await Promise.race([working, link.putOut])) ?? undefined;
  if (reason) {
    await Promise.race([working, wakeup.asleep()]);
    stopping.abort();
  }
  await working;
  return reason;
}

function putOut(cause: RejectedError, { host, gateway }: HostConfig): RejectedError {
  const message = `failed to stay linked to "${gateway}": its control plane has put host "${host}" out`;
  return new RejectedError(cause.code, message, { cause, hint: cause.hint ?? PUT_OUT_HINT });
}

const PUT_OUT_HINT =
  'what stands on this host is as it was; whoever runs the control plane can say why, and write a bundle for a new enrolment';

async function workWhenDue(foundations: Foundations, parts: WaitingParts & { readonly link: Link }): Promise<void> {
  await untilWorkIsDue(foundations.signal, { ...parts, ...foundations });
  if (foundations.signal.aborted) return;
  const { work } = await import('./service/agent-work.ts'); // 4
  await work(foundations, parts);
}
