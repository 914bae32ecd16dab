/** The results as a table: for a terminal, and in Markdown. */
import { type FigureResult, type Side, targetText } from './figure.ts';
import { numberText } from './number-text.ts';

const HEADINGS = ['figure', 'value', 'range', 'target', 'met', 'sides'] as const;

/** Lines of a plain table, two spaces between columns. */
export function textTable(results: readonly FigureResult[]): string[] {
  const rows = [HEADINGS as readonly string[], ...results.map((result) => cellsOf(result.name, result))];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function markdownTable(results: readonly FigureResult[]): string[] {
  const rows = results.map((result) => cellsOf(result.title, result));
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(HEADINGS), `|${HEADINGS.map(() => '---').join('|')}|`, ...rows.map(line)];
}

function cellsOf(title: string, result: FigureResult): string[] {
  const target = `${targetText(result.target)}${unitText(result.unit)}`;
  if (result.value === null) return [title, 'not measured', '', target, 'no', result.reason];
  const { value, spread, sides } = result;
  const range = `${numberText(spread.least)} to ${numberText(spread.most)}, n=${spread.count}`;
  const shown = `${numberText(value)}${unitText(result.unit)}`;
  return [title, shown, range, target, result.met ? 'yes' : 'no', sides.map(sideText).join('; ')];
}

/** `keyturn 900 ms (800 to 1000)`. */
export function sideText({ name, unit, spread }: Side): string {
  const range = `${numberText(spread.least)} to ${numberText(spread.most)}`;
  return `${name} ${numberText(spread.median)} ${unit} (${range})`;
}

function unitText(unit: string): string {
  return unit === 'ratio' ? '' : ` ${unit}`;
}
