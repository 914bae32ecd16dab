/** One control plane per folder. Two would sign one timestamp twice, and tear each other's uploads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { takeExclusiveLock } from '../../shared/store/exclusive-lock.ts';

/** Tells people who holds the lock; the lock alone decides whether it is held. */
const PID_FILE = 'serve.pid';

/** Held until it is disposed. Errors: `RejectedError('control-plane-running')`; `TransientError` when the disk is in the way. */
export function lockControlPlaneFolder(folder: string): Disposable {
  const lock = tryToLock(join(folder, 'serve.lock'));
  if (lock === undefined) throw running(folder);
  try {
    writeFileAtomic(join(folder, PID_FILE), `${process.pid}\n`);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function tryToLock(path: string): Disposable | undefined {
  try {
    return takeExclusiveLock(path);
  } catch (cause) {
    throw new TransientError(`failed to lock "${path}": ${messageOf(cause)}`, {
      cause,
      hint: 'the control plane needs to write to its folder',
    });
  }
}

function running(folder: string): RejectedError {
  const pid = holderOf(folder);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const stop = pid === undefined ? 'stop it first' : `stop it first (kill ${pid})`;
  return new RejectedError('control-plane-running', `failed to start: ${who} runs the control plane in "${folder}"`, {
    hint: `${stop}, or name another folder with --folder`,
  });
}

/** Undefined in the instant before the holder has written it. */
function holderOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, PID_FILE), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    // It only makes the message better.
    return undefined;
  }
}
