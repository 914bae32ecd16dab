/**
 * The figures as an SVG chart: how much of its target each value uses up. A bar that ends left of the line meets the
 * target, whether the target is a ceiling or a floor. Readable on a light and on a dark page.
 */
import { type FigureResult, targetText } from './figure.ts';
import { numberText } from './number-text.ts';

const WIDTH = 1040;
const ROW = 26;
const TOP = 64;
const LABELS = 460;
/** Where a value that equals its target ends. */
const LINE = 720;
/** A longer bar is cut, and says so with an arrow. */
const LONGEST = 1.6;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .met { fill: #1a7f37; } .missed { fill: #bc4c00; }
  .line { stroke: #59636e; stroke-dasharray: 4 3; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .line { stroke: #9198a1; }
    .met { fill: #3fb950; } .missed { fill: #f0883e; } .page { fill: #0d1117; }
  }`;

export function chartOf(results: readonly FigureResult[], { title, subtitle }: { title: string; subtitle: string }) {
  const height = TOP + results.length * ROW + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="16" y="26">${escaped(title)}</text>`,
    `<text class="quiet" x="16" y="46">${escaped(subtitle)}</text>`,
    `<text class="quiet" x="${LINE}" y="${TOP - 6}" text-anchor="middle">target</text>`,
    ...results.flatMap((result, index) => row(result, TOP + index * ROW)),
    `<line class="line" x1="${LINE}" x2="${LINE}" y1="${TOP}" y2="${TOP + results.length * ROW}"/>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The share of the target that a value uses up: below 1 it is met, above it is missed. */
export function shareOfTarget(value: number, { is, value: target }: FigureResult['target']): number {
  if (is === 'at-most') return target === 0 ? Number.POSITIVE_INFINITY : Math.max(0, value) / target;
  return value <= 0 ? Number.POSITIVE_INFINITY : target / value;
}

function row(result: FigureResult, y: number): string[] {
  const middle = y + ROW / 2 + 4;
  const label = `<text x="${LABELS - 12}" y="${middle}" text-anchor="end">${escaped(result.title)}</text>`;
  const unit = result.unit === 'ratio' ? '' : ` ${result.unit}`;
  const target = `${targetText(result.target)}${unit}`;
  if (result.value === null)
    return [label, `<text class="quiet" x="${LABELS}" y="${middle}">not measured (${escaped(target)})</text>`];
  const share = shareOfTarget(result.value, result.target);
  const length = Math.max(2, Math.min(share, LONGEST) * (LINE - LABELS));
  const text = `${share > LONGEST ? '→ ' : ''}${numberText(result.value)}${unit} (${target})`;
  // Beside a bar that nears the line the text stands behind the line, where nothing crosses it.
  const textAt = share < 0.6 ? LABELS + length + 8 : Math.max(LINE, LABELS + length) + 8;
  return [
    label,
    `<rect class="${result.met ? 'met' : 'missed'}" x="${LABELS}" y="${y + 5}" width="${length.toFixed(1)}" height="${ROW - 10}" rx="2"/>`,
    `<text class="quiet" x="${textAt.toFixed(1)}" y="${middle}">${escaped(text)}</text>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
