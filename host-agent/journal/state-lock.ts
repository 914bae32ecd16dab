/** One agent per state folder. Two would drive one run twice, and acknowledge each other's directives. */
import { join } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { takeExclusiveLock } from '../../shared/store/exclusive-lock.ts';
import { explainJournalError } from './journal-error.ts';

/** Held until it is disposed. Errors: `RejectedError('agent-running')`; `TransientError` when the disk is in the way. */
export function lockStateFolder(stateDirectory: string): Disposable {
  const lock = tryToLock(join(stateDirectory, 'agent.lock'));
  if (lock !== undefined) return lock;
  throw new RejectedError('agent-running', `failed to start: another agent runs on "${stateDirectory}"`, {
    hint: 'stop it first, or give this one a folder of its own with --state',
  });
}

function tryToLock(path: string): Disposable | undefined {
  try {
    return takeExclusiveLock(path);
  } catch (error) {
    throw explainJournalError(error);
  }
}
