/**
 * The two families of errors (and a third for the command line).
 *
 * - `RejectedError`: the other side is wrong. The code goes to the peer, the message to the log. Never retried.
 * - `TransientError`: the world is in the way (network, disk, a peer that restarts). May be retried.
 *
 * A message says: the action that failed, the offending value quoted, what was expected and what was there.
 */

/** Why something was refused: a kebab-case sentence of fact, stable, safe to show to the peer. */
export type RejectionCode = Lowercase<string>;

export class RejectedError extends Error {
  override readonly name: string = 'RejectedError';
  readonly code: RejectionCode;
  readonly hint: string | undefined;
  constructor(code: RejectionCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
  shouldRetry(): boolean {
    return false;
  }
}

export class TransientError extends Error {
  override readonly name: string = 'TransientError';
  readonly hint: string | undefined;
  constructor(message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
  shouldRetry(): boolean {
    return true;
  }
}

/** The message of anything thrown, for logs and causes. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` that Node puts on system errors (`ENOENT`, `ENOSPC`, ...), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** For the default branch of a switch over a closed union: a new variant becomes a type error. */
export function assertNever(value: never): never {
  throw new Error(`unexpected variant: ${JSON.stringify(value)}`);
}
