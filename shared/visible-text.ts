/**
 * Text from hosts and repositories, made safe to look at: what a reader cannot see, or what moves other text about
 * (control characters, escape sequences, direction overrides, zero-width characters), is spelled out.
 */

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

/** One line: a line break becomes `\n`, other unseen characters `\u{...}`. */
export function visibleLine(text: string): string {
  return text.replace(UNSEEN, spelled);
}

/** Several lines: breaks and tabs stay, `\r\n` counts as one break. */
export function visibleLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => visibleLine(line.replaceAll('\t', '    ')));
}

function spelled(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
