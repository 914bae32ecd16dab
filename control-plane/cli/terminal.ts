/** Text for terminals: colours where they are wanted, columns that line up, nothing that steers the terminal. */

export type Tone = 'good' | 'fair' | 'bad' | 'quiet' | 'strong' | 'plain';

export interface Terminal {
  readonly hasColours: boolean;
  /** Whether a line may be overwritten in place. */
  readonly isTty: boolean;
  /** A line that is wider wraps, and can then not be overwritten. */
  readonly columns: number;
}

/** What is written to no terminal. */
export const NO_TERMINAL: Terminal = { hasColours: false, isTty: false, columns: 80 };

/** Takes back the line that the cursor is in; only on a terminal. */
export const ERASE_LINE = '\r\u001b[2K';

const CODES: Readonly<Record<Exclude<Tone, 'plain'>, string>> = {
  good: '32',
  fair: '33',
  bad: '31',
  quiet: '2',
  strong: '1',
};

/** Colours only for a TTY whose user did not set `NO_COLOR` (https://no-color.org: set and not empty). */
export function terminalOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTty = stream.isTTY === true;
  // A terminal that nobody has told its size says 0.
  return { isTty, hasColours: isTty && (env.NO_COLOR ?? '') === '', columns: stream.columns || NO_TERMINAL.columns };
}

export function toned(terminal: Terminal, tone: Tone, text: string): string {
  if (!terminal.hasColours || tone === 'plain' || text === '') return text;
  return `\u001b[${CODES[tone]}m${text}\u001b[0m`;
}

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

/** Lines of a table, two spaces between columns; the last column is not padded. */
export function tableLines(terminal: Terminal, rows: readonly (readonly Cell[])[]): string[] {
  const widths = columnWidths(rows);
  return rows.map((row) =>
    row
      .map(({ text, tone = 'plain' }, column) => {
        const fill = column === row.length - 1 ? 0 : (widths[column] ?? 0) - displayWidth(text);
        return toned(terminal, tone, text) + ' '.repeat(fill);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Each character of these takes one cell: most text is of them, and the tables behind a segmenter take 10 ms to load. */
const PLAIN = /^[\x20-\x7e]*$/;
let segmenter: Intl.Segmenter | undefined;
/** East Asian Wide and Fullwidth, and emoji that are shown as such. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const ZERO = /^[\p{M}\p{Cf}\p{Cc}]+$/u;

/** How many cells a terminal takes for `text`. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const segment of graphemesOf(text)) width += ZERO.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Shortens `text` to `width` cells, with an ellipsis where something was cut. */
export function clipped(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const segment of graphemesOf(text)) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** What a reader takes for one character. */
function* graphemesOf(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function columnWidths(rows: readonly (readonly Cell[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, { text }] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, displayWidth(text));
  }
  return widths;
}
