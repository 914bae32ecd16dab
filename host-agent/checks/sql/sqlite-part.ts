/** The process in which a SQLite file is read: a query that never ends is ended with it. */
import { readFileSync } from 'node:fs';
import { messageOf, RejectedError } from '../../../shared/errors.ts';
import { SqlFailure } from './sql-failure.ts';
import type { SqliteMessage } from './sqlite-message.ts';
import { readSqlite, type SqliteQuestion } from './sqlite-reading.ts';

const question = JSON.parse(readFileSync(0, 'utf8')) as SqliteQuestion;
try {
  say({ type: 'seen', sight: readSqlite(question, (name) => say({ type: 'query', name })) });
} catch (error) {
  say(messageFor(error));
}

function say(message: SqliteMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function messageFor(error: unknown): SqliteMessage {
  if (error instanceof RejectedError) return { type: 'rejected', code: error.code, message: error.message };
  if (error instanceof SqlFailure) return { type: 'failed', code: error.code, message: error.message };
  return { type: 'lost', message: messageOf(error) };
}
