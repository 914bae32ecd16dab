/** What whoever owns this host may do without any network: the agent's socket, and the file KILL. */
import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../shared/errors.ts';
import type { Timer } from '../../shared/time/clock.ts';
import { makeRunId } from '../../shared/time/run-id.ts';
import { followRequest } from '../local/follow-request.ts';
import { LocalSocket, SOCKET_FILE } from '../local/local-socket.ts';
import type { Foundations, WaitingParts } from './agent-foundations.ts';

/** Where the system does not tell of the file, it is looked for this often. */
const LOOK_MS = 1_000;

/** Open until it is disposed. What cannot be opened is logged: a host that cannot be told here still obeys its file. */
export async function openLocalDesk(foundations: Foundations, parts: WaitingParts): Promise<AsyncDisposable> {
  const { log, stateDirectory, clock, testOnlyAtBoundary } = foundations;
  const makeLiveId = (): string => makeRunId(clock.now(), randomBytes);
  const socket = new LocalSocket({
    path: join(stateDirectory, SOCKET_FILE),
    follow: (request) => followRequest(request, { ...parts, makeLiveId }),
    testOnlyAtBoundary,
  });
  const watching = watchKillFile(foundations, parts);
  try {
    await socket.open();
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'the commands of this host cannot reach its agent');
  }
  return {
    [Symbol.asyncDispose]: async () => {
      watching[Symbol.dispose]();
      await socket.close();
    },
  };
}

/** Whoever makes the file wants it obeyed now, and whoever made it while no agent ran as well. */
function watchKillFile(foundations: Foundations, { killFile, fileKills }: WaitingParts): Disposable {
  const { log, signal, clock } = foundations;
  const trying = (obey: () => void): void => {
    if (signal.aborted) return;
    try {
      obey();
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the file KILL is there, and that is not durable yet');
    }
  };
  trying(() => fileKills.obey());
  const looking = new DisposableStack();
  let timer: Timer | undefined;
  looking.defer(() => timer?.cancel());
  const lookNowAndThen = (): void => {
    timer = clock.setTimer(LOOK_MS, () => {
      trying(() => fileKills.obey());
      if (!signal.aborted) lookNowAndThen();
    });
  };
  try {
    const watcher = watch(dirname(killFile), (event, name) => {
      if (name === basename(killFile)) trying(() => (event === 'rename' ? fileKills.renamed() : fileKills.obey()));
    });
    watcher.on('error', lookNowAndThen);
    looking.defer(() => watcher.close());
  } catch {
    lookNowAndThen(); // the system has no watch left to give
  }
  return looking;
}
