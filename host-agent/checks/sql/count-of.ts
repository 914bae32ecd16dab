import { RejectedError } from '../../../shared/errors.ts';

/** One value of an answer. Whole numbers are those that the database itself calls so: a text of digits is none. */
export type Cell =
  | { readonly is: 'whole-number'; readonly text: string }
  | { readonly is: 'null' }
  | { readonly is: 'another-value' };

/** The count that a query gave: one row, one column, one whole number from 0. Errors: `RejectedError('count-malformed')`. */
export function countOf(query: string, rows: readonly (readonly Cell[])[]): number {
  const [row, ...more] = rows;
  if (!row || more.length > 0) throw malformed(query, row ? 'more than one row' : 'no row');
  const [cell, ...others] = row;
  if (!cell || others.length > 0) throw malformed(query, `${row.length} columns`);
  if (cell.is === 'null') throw malformed(query, 'NULL');
  // Not quoted: it may be anybody's content.
  if (cell.is === 'another-value' || !/^-?\d{1,40}$/.test(cell.text))
    throw malformed(query, 'a value that is no whole number');
  const count = Number(cell.text);
  if (!Number.isSafeInteger(count)) throw malformed(query, `${cell.text}, which is beyond 2^53 - 1`);
  if (count < 0) throw malformed(query, `${cell.text}, which is below 0`);
  return count;
}

function malformed(query: string, got: string): RejectedError {
  return new RejectedError(
    'count-malformed',
    `failed to count by query "${query}": expected one row with one whole number, got ${got}`,
  );
}
