/** What a doctor says: a table for people, one document for programs. */
import { countOf, type Examined, type Level } from './examination.ts';

export interface ExaminationDocument {
  readonly examinations: readonly Examined[];
  readonly troubleCount: number;
  readonly warningCount: number;
}

export function examinationDocument(examined: readonly Examined[]): ExaminationDocument {
  return {
    examinations: examined,
    troubleCount: countOf(examined, 'trouble'),
    warningCount: countOf(examined, 'warning'),
  };
}

/** Colours of a terminal (ECMA-48, SGR). */
const COLOURS: Readonly<Record<Level, number>> = { ok: 32, warning: 33, trouble: 31 };
const LEVEL_WIDTH = 'trouble'.length;

/** Lines of a table, a mending command below what it mends, and last what it comes to. */
export function examinationLines(
  examined: readonly Examined[],
  { hasColours }: { readonly hasColours: boolean },
): string[] {
  const nameWidth = Math.max(0, ...examined.map(({ name }) => name.length));
  const rows = examined.flatMap(({ name, diagnoses }) =>
    diagnoses.flatMap(({ level, statement, mend }, index) => {
      const shown = level.padEnd(LEVEL_WIDTH);
      const coloured = hasColours ? `\u001b[${COLOURS[level]}m${shown}\u001b[0m` : shown;
      const start = (index === 0 ? name : '').padEnd(nameWidth);
      const mending = `${' '.repeat(nameWidth + LEVEL_WIDTH + 4)}mend: ${visible(mend ?? '')}`;
      return [`${start}  ${coloured}  ${visible(statement)}`, ...(mend === undefined ? [] : [mending])];
    }),
  );
  return [...rows, '', summary(examined)];
}

function summary(examined: readonly Examined[]): string {
  const counted = (level: 'trouble' | 'warning') => {
    const count = countOf(examined, level);
    return count === 0 ? [] : [`${count} ${level}${count === 1 ? '' : 's'}`];
  };
  const parts = [...counted('trouble'), ...counted('warning')];
  return parts.length === 0 ? 'nothing is wrong here' : parts.join(', ');
}

/** A statement may quote what others named: it is one line, and cannot steer the terminal (P2). */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
