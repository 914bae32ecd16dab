import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import { explainJournalError } from '../journal/journal-error.ts';
import type { LocalFailure } from './messages.ts';

/** What failed, for whoever asked; without a code when something was merely in the way. */
export function failureOf(thrown: unknown, about: Pick<LocalFailure, 'app'> = {}): LocalFailure {
  const error = explainJournalError(thrown);
  const hint = error instanceof RejectedError || error instanceof TransientError ? error.hint : undefined;
  return {
    said: 'failed',
    ...about,
    ...(error instanceof RejectedError && { code: error.code }),
    message: messageOf(error),
    ...(hint !== undefined && { hint }),
  };
}

/** The other way. */
export function errorOfAnswer({ code, message, hint }: LocalFailure): RejectedError | TransientError {
  const options = hint === undefined ? {} : { hint };
  return code === undefined ? new TransientError(message, options) : new RejectedError(code, message, options);
}
