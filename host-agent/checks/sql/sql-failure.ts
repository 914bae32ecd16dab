import { RejectedError, systemCodeOf, TransientError } from '../../../shared/errors.ts';
import { redact } from '../../../shared/redaction.ts';
import { cutEnd } from '../cut-text.ts';

const MOST_WORDS = 300;

/** What a database said instead of an answer. A driver's own error is never kept: it may hold the session's parameters. */
export class SqlFailure extends Error {
  override readonly name: string = 'SqlFailure';
  /** A SQLSTATE, SQLite's name for it, the system's (`ECONNREFUSED`), or nothing where the driver itself has none. */
  readonly code: string;

  constructor(code: string, words: string) {
    super(words);
    this.code = code;
  }
}

/** A driver's error reduced to its code and its words, with the secrets taken out of them (P7). */
export function sqlFailureOf(error: unknown, secrets: readonly string[]): SqlFailure {
  if (error instanceof SqlFailure) return error;
  const code = systemCodeOf(error) ?? '';
  // Such a message is the code, and the address once more.
  if (/^E[A-Z_]+$/.test(code)) return new SqlFailure(code, 'no connection');
  const known = secrets.map((secret) => Buffer.from(secret));
  const words = redact(error instanceof Error ? error.message : 'unknown', known).text;
  return new SqlFailure(code, cutEnd(words, MOST_WORDS));
}

/** `TransientError` when the database, and not what it was asked, is in the way; else `RejectedError('query-failed')`. */
export function errorOfQuery(query: string, failure: SqlFailure): RejectedError | TransientError {
  const text = `failed to run query "${query}": ${wordsOf(failure)}`;
  if (isOutOfReach(failure.code)) return new TransientError(text);
  return new RejectedError('query-failed', text);
}

/** As `errorOfQuery`, for the session itself: `RejectedError('data-source-refused')`. */
export function errorOfSession(failure: SqlFailure): RejectedError | TransientError {
  const text = `failed to open a session: ${wordsOf(failure)}`;
  if (isOutOfReach(failure.code)) return new TransientError(text);
  return new RejectedError('data-source-refused', text, { hint: 'a data source name that the database accepts' });
}

function wordsOf({ code, message }: SqlFailure): string {
  return code === '' ? message : `${code}: ${message}`;
}

/**
 * Connection exceptions (but for what the protocol itself does not take), transactions that were rolled back, exhausted resources, a server that shuts down, errors of its system;
 * and all that is no SQLSTATE and no code of SQLite's.
 */
function isOutOfReach(code: string): boolean {
  if (code.startsWith('SQLITE_')) return /^SQLITE_(BUSY|IOERR|PROTOCOL)/.test(code);
  return !/^[0-9A-Z]{5}$/.test(code) || /^(08(?!P01)|40|53|57P|58|XX)/.test(code) || /^E[A-Z]{4}$/.test(code);
}
