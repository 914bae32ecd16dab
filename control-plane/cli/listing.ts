import { visibleLine } from '../../shared/visible-text.ts';
import { NO_TERMINAL, tableLines } from './terminal.ts';

/** Rows as columns that line up, or one line that says there are none. What others named cannot steer the terminal. */
export function listingLines(rows: readonly (readonly string[])[], none: string): string[] {
  if (rows.length === 0) return [none];
  return tableLines(
    NO_TERMINAL,
    rows.map((row) => row.map((text) => ({ text: visibleLine(text) }))),
  );
}
