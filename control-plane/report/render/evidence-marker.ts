/** `[#0, #3-#7]`: entries of the document's own run, in the order of the ledger; a range holds every entry between. */
export function evidenceMarker(evidence: readonly string[]): string {
  return `[${evidenceRanges(evidence).join(', ')}]`;
}

/** `#0`, `#3-#7`: what stands between the brackets. */
export function evidenceRanges(evidence: readonly string[]): string[] {
  const numbers = evidence.map((id) => Number(id.slice(id.lastIndexOf('#') + 1))).sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `#${from}` : `#${from}-#${to}`));
}
