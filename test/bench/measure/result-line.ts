/** The last line of the benchmark: one JSON object, for whoever reads figures by program. */
import { type FigureResult, targetText } from './figure.ts';

export function resultLine(bench: string, results: readonly FigureResult[]): string {
  const figures = results.map((result) => ({
    name: result.name,
    value: result.value === null ? null : rounded(result.value),
    unit: result.unit,
    target: targetText(result.target),
    met: result.met,
    ...(result.value === null && { reason: result.reason }),
  }));
  return JSON.stringify({ bench, figures });
}

/** Four significant digits: more than any of the figures can be repeated to. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
