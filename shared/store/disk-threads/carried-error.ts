/** An error on its way from one thread to another, where a copy of it would be no `RejectedError` any more. */
import { messageOf, RejectedError, type RejectionCode, systemCodeOf, TransientError } from '../../errors.ts';

export interface CarriedError {
  readonly family: 'rejected' | 'transient' | 'other';
  readonly message: string;
  readonly hint: string | undefined;
  /** Of a `RejectedError`, or of the system's error. */
  readonly code: string | undefined;
  readonly cause: CarriedError | undefined;
}

export function packError(error: unknown): CarriedError {
  const cause = error instanceof Error && error.cause !== undefined ? packError(error.cause) : undefined;
  const message = messageOf(error);
  if (error instanceof RejectedError) return { family: 'rejected', message, hint: error.hint, code: error.code, cause };
  if (error instanceof TransientError)
    return { family: 'transient', message, hint: error.hint, code: undefined, cause };
  return { family: 'other', message, hint: undefined, code: systemCodeOf(error), cause };
}

export function unpackError({ family, message, hint, code, cause }: CarriedError): Error {
  const options = { ...(cause && { cause: unpackError(cause) }), ...(hint !== undefined && { hint }) };
  if (family === 'rejected') return new RejectedError(code as RejectionCode, message, options);
  if (family === 'transient') return new TransientError(message, options);
  const error = new Error(message, options);
  return code === undefined ? error : Object.assign(error, { code });
}
