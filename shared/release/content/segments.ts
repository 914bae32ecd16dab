/**
 * How a host comes by a blob: from the first byte to the last, in segments that it copies from an old file of its own or
 * asks for. What it asks for comes with a stretch of the old file that may serve as dictionary, for a changed line in
 * the middle of a chunk costs little when both sides know what stood there.
 */
import { LIMITS } from '../../limits.ts';
import type { Chunk } from './chunk-list.ts';

/** Bytes `offset` to `offset + length` of some file. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

export type Segment = CopySegment | FetchSegment;

/** Bytes that stand in the old file at `from`. */
export interface CopySegment {
  readonly kind: 'copy';
  readonly from: number;
  readonly at: Range;
}

/** Bytes that have to come; `base` of the old file lies around where they would be. */
export interface FetchSegment {
  readonly kind: 'fetch';
  readonly at: Range;
  readonly base: Range | undefined;
}

/** Segments of a blob without a chunk list: all of it, each stretch beside the same stretch of the old file. */
export function segmentsBeside(size: number, oldSize: number): FetchSegment[] {
  return stretches({ offset: 0, length: size }).map((at) => ({ kind: 'fetch', at, base: around(at, oldSize) }));
}

/** Segments of a blob that has the chunks `wanted`, for a host whose old file has the chunks `old`. */
export function segmentsBetween(wanted: readonly Chunk[], old: readonly Chunk[]): Segment[] {
  const standing = new Map(old.map((chunk) => [chunk.sha256, chunk.offset]));
  const oldSize = old.reduce((sum, { length }) => sum + length, 0);
  const segments: Segment[] = [];
  let missing: Range | undefined;
  // Where the old file goes on behind the last chunk that both have: what stood there is what was changed.
  let oldEnd = 0;
  for (const { offset, length, sha256 } of wanted) {
    const from = standing.get(sha256);
    if (from === undefined) {
      missing = missing ? { ...missing, length: missing.length + length } : { offset, length };
      continue;
    }
    if (missing) segments.push(...fetches(missing, { oldEnd, oldSize }));
    missing = undefined;
    addCopy(segments, { from, at: { offset, length } });
    oldEnd = from + length;
  }
  return missing ? [...segments, ...fetches(missing, { oldEnd, oldSize })] : segments;
}

/** A long run of new bytes has nothing in common with what stood there: it comes as it is. */
function fetches(missing: Range, { oldEnd, oldSize }: { oldEnd: number; oldSize: number }): FetchSegment[] {
  if (missing.length > LIMITS.deltaRunBytes) return [{ kind: 'fetch', at: missing, base: undefined }];
  return stretches(missing).map((at) => {
    const beside = { offset: oldEnd + at.offset - missing.offset, length: at.length };
    return { kind: 'fetch', at, base: around(beside, oldSize) };
  });
}

function stretches({ offset, length }: Range): Range[] {
  const parts: Range[] = [];
  for (let at = 0; at < length; at += LIMITS.deltaBytes) {
    parts.push({ offset: offset + at, length: Math.min(LIMITS.deltaBytes, length - at) });
  }
  return parts;
}

/** What is left of `segments` for a host that has the first `bytes` bytes of the blob. */
export function segmentsFrom(segments: readonly Segment[], bytes: number): Segment[] {
  return segments.flatMap((segment): Segment[] => {
    const { offset, length } = segment.at;
    const skipped = Math.max(0, bytes - offset);
    if (skipped >= length) return [];
    const at = { offset: offset + skipped, length: length - skipped };
    return segment.kind === 'copy' ? [{ ...segment, from: segment.from + skipped, at }] : [{ ...segment, at }];
  });
}

/** The stretch of a file of `size` bytes that `range` and its surroundings lie in; undefined when there is none. */
function around({ offset, length }: Range, size: number): Range | undefined {
  const begin = Math.max(0, Math.min(offset, size) - LIMITS.deltaMarginBytes);
  const end = Math.min(size, offset + length + LIMITS.deltaMarginBytes);
  return end > begin ? { offset: begin, length: end - begin } : undefined;
}

function addCopy(segments: Segment[], { from, at }: { from: number; at: Range }): void {
  const last = segments.at(-1);
  const isNext = last?.kind === 'copy' && last.from + last.at.length === from;
  if (isNext) segments[segments.length - 1] = { ...last, at: { ...last.at, length: last.at.length + at.length } };
  else segments.push({ kind: 'copy', from, at });
}
