/**
 * The agent of one host, from its start to its end.
 *
 * 1. One agent a state folder: whoever comes second is refused, and touches nothing.
 * 2. A stop leaves the journal as it is; the next start goes on from there.
 */
import type { Logger } from '../shared/service/service-log.ts';
import type { Clock } from '../shared/time/clock.ts';
import { type HostConfig, loadHostConfig } from './host/host-config.ts';
import { openJournal } from './journal/journal.ts';
import { lockStateFolder } from './journal/state-lock.ts';
import type { Link } from './link/link.ts';
import { workUntil } from './run/work-loop.ts';
import { detectSandbox } from './sandbox/sandbox.ts';
import { buildParts } from './service/agent-parts.ts';

export interface AgentOptions {
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Numbers from 0 up to, not including, 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

export interface Agent {
  readonly config: HostConfig;
  readonly link: Link;
  /** Resolves when the work loop has ended, rejects when it could not go on. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Errors: `RejectedError` when this host is not enrolled, its configuration is malformed or another agent runs here;
 * those of `openJournal`. Nothing is left open then.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { stateDirectory, log } = options;
  const config = loadHostConfig(stateDirectory);
  using starting = new DisposableStack();
  starting.use(lockStateFolder(stateDirectory));
  const database = starting.adopt(openJournal(stateDirectory), (journal) => journal.close());
  const stopping = new AbortController();
  const sandbox = await detectSandbox();
  if (!sandbox) log.warn('no bubblewrap on this host: checks that run a program will be blocked');
  const { link, work } = buildParts({ ...options, config, database, sandbox, signal: stopping.signal });
  const held = starting.move();
  link.start();
  const ended = workUntil(stopping.signal, work).finally(async () => {
    stopping.abort();
    await link.stop();
    held.dispose();
  });
  // Whoever awaits `ended` hears of a failure; nobody need.
  ended.catch(() => undefined);
  return {
    config,
    link,
    ended,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
