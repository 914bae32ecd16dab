/** Measures figure after figure. One that cannot be measured says why and leaves the others alone. */
import { type Figure, type FigureResult, isMet } from '../measure/figure.ts';
import { numberText } from '../measure/number-text.ts';
import { sideText } from '../measure/table.ts';
import { PeerMissing } from '../peers/packages.ts';

export interface Measured {
  readonly results: readonly FigureResult[];
  /** Figures that broke, or compared two different things: the benchmark has not run. */
  readonly broken: readonly string[];
}

export async function measureFigures<Bench>(
  figures: readonly Figure<Bench>[],
  { bench, say, signal }: { bench: Bench; say: (line: string) => void; signal?: AbortSignal },
): Promise<Measured> {
  const results: FigureResult[] = [];
  const broken: string[] = [];
  for (const figure of figures) {
    if (signal?.aborted) break;
    say(`— ${figure.name}: ${figure.title}`);
    const { measure, ...described } = figure;
    try {
      const reading = await measure(bench);
      results.push({ ...described, ...reading, met: isMet(reading.value, figure.target) });
      say(`  ${numberText(reading.value)} ${figure.unit}: ${reading.sides.map(sideText).join('; ')}`);
    } catch (error) {
      const reason = oneLine(error instanceof Error ? error.message : String(error));
      if (!(error instanceof PeerMissing)) broken.push(figure.name);
      results.push({ ...described, value: null, met: false, reason });
      say(`  NOT MEASURED: ${error instanceof Error ? error.message : reason}`);
    }
  }
  return { results, broken };
}

/** The whole of it was said when it happened; a table has room for its end, where the reason stands. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= REASON_LENGTH ? line : `${line.slice(0, 100)} … ${line.slice(-(REASON_LENGTH - 100))}`;
}

const REASON_LENGTH = 400;
