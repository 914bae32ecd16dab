/**
 * A kill where no agent runs: whoever holds the lock of the folder does what the agent would have done, on the same journal.
 * Nothing runs live then, as no live process outlives its agent.
 */

import { GateKeeper } from '../gate/gate-keeper.ts';
import { GateStore } from '../gate/gate-store.ts';
import { hostFolders, loadHostConfig } from '../host/host-config.ts';
import { openJournal } from '../journal/journal.ts';
import { JournalOutbox } from '../journal/outbox.ts';
import { lockStateFolder } from '../journal/state-lock.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { encodeReceipt } from '../link/report.ts';
import { LiveRegistry } from '../live/live-registry.ts';
import { HostKillAnswers, type HostKillMeans } from '../orders/answer-host-kills.ts';
import { followKillRequest } from './follow-request.ts';
import { HostKiller } from './host-killer.ts';
import type { KillRequest, LocalAnswer } from './messages.ts';

export interface WithoutAgentOptions {
  readonly nowMs: () => number;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

/** Errors: `RejectedError` with `not-enrolled` or `agent-running`; those of `openJournal` and `followKillRequest`. */
export async function* killWithoutAgent(
  stateDirectory: string,
  request: KillRequest,
  { nowMs, testOnlyAtBoundary }: WithoutAgentOptions,
): AsyncGenerator<LocalAnswer> {
  const { host } = loadHostConfig(stateDirectory);
  using held = new DisposableStack();
  held.use(lockStateFolder(stateDirectory));
  const database = held.adopt(openJournal(stateDirectory), (journal) => journal.close());
  const gates = new GateStore(database);
  const registry = new LiveRegistry();
  const keeper = new GateKeeper({ store: gates, nowMs, steadyMs: nowMs, onClosed: () => {} });
  const killer = new HostKiller({ database, keeper, nowMs, onKilled: () => {}, testOnlyAtBoundary });
  yield* followKillRequest(request, { killer, registry });
  await tellAll({ stateDirectory, host, database, keeper, gates, kills: killer.kills, nowMs, testOnlyAtBoundary });
}

/** What cannot be told now is told by the next agent: it stands in the journal. */
async function tellAll({
  stateDirectory,
  ...means
}: { stateDirectory: string } & Omit<
  HostKillMeans,
  'hostKey' | 'outbox' | 'registry' | 'encodeReceipt' | 'onTrouble'
>): Promise<void> {
  try {
    const hostKey = new IdentityStore(hostFolders(stateDirectory).identity).openLedgerKey();
    const outbox = new JournalOutbox(means.database);
    const registry = new LiveRegistry();
    const answers = new HostKillAnswers({ ...means, hostKey, outbox, registry, encodeReceipt, onTrouble: () => {} });
    answers.tell();
    await answers.settled();
  } catch {
    // its key is gone or the disk is full: the gate is closed all the same, which is what was wanted
  }
}
