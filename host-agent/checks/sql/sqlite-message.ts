import type { SqlSight } from './look.ts';

/** What the process that reads a SQLite file says, one line of JSON each. */
export type SqliteMessage =
  | { readonly type: 'query'; readonly name: string }
  | { readonly type: 'seen'; readonly sight: SqlSight }
  | { readonly type: 'rejected'; readonly code: Lowercase<string>; readonly message: string }
  | { readonly type: 'lost'; readonly message: string }
  /** The file itself cannot be read. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string };
