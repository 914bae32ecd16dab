/** Cuts text to the bounds of evidence. Only text that is redacted already may be cut: half a secret is not found again. */

const CUT = '...';
const ARGUMENT_COUNT = 32;
const ARGUMENT_CHARACTERS = 512;
/** A command line stands in an entry twice, in the observation and in the capsule. */
const ARGUMENTS_JSON_BYTES = 8 * 1024;

/** The beginning, at most `most` characters. */
export function cutEnd(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - CUT.length)}${CUT}`.toWellFormed();
}

/** The end, at most `most` characters. */
export function cutBeginning(text: string, most: number): string {
  return text.length <= most ? text : `${CUT}${text.slice(text.length - most + CUT.length)}`.toWellFormed();
}

/** The end, at most `mostBytes` (8 or more) once it stands in JSON, where a control character takes six bytes. */
export function cutToJsonBytes(text: string, mostBytes: number): string {
  if (jsonBytes(text) <= mostBytes) return text;
  let kept = text.slice(Math.max(0, text.length - mostBytes));
  for (let over = overBytes(kept, mostBytes); over > 0 && kept !== ''; over = overBytes(kept, mostBytes)) {
    kept = kept.slice(Math.ceil(over / 6));
  }
  return `${CUT}${kept}`.toWellFormed();
}

/** A command line for the ledger: its first arguments, each cut, and how many more there were. */
export function cutArguments(argv: readonly string[]): string[] {
  const shown: string[] = [];
  let bytes = 0;
  for (const argument of argv) {
    const cut = cutEnd(argument, ARGUMENT_CHARACTERS);
    bytes += jsonBytes(cut);
    if (shown.length === ARGUMENT_COUNT || bytes > ARGUMENTS_JSON_BYTES) {
      return [...shown, `(${argv.length - shown.length} more)`];
    }
    shown.push(cut);
  }
  return shown;
}

/** How many bytes a text takes in JSON. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

function overBytes(kept: string, mostBytes: number): number {
  return jsonBytes(kept) + CUT.length - mostBytes;
}
