/**
 * Reads back what `archive-writer.ts` wrote, on the build machine only: agents have no archive parser. Anything that the
 * writer would not write is refused, so that no second reading of the same bytes is possible.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { BLOCK_BYTES, checksumOf, paddingOf, TYPE_FLAGS } from './archive-format.ts';
import { ByteReader } from './byte-reader.ts';

export interface ArchiveEntry {
  readonly path: string;
  readonly kind: 'file' | 'symlink';
  readonly mode: number;
  readonly size: number;
  /** Empty for a file. */
  readonly target: string;
  /** The content, once; what is not read is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/** A path and a target, each with its key and length. */
const PAX_BYTES = 2 * LIMITS.pathBytes + 1024;

/** The entries of the `.tar.gz` at `path`, in order. Errors: `RejectedError('archive-malformed')`. */
export async function* readArchive(path: string): AsyncIterable<ArchiveEntry> {
  const gunzip = createGunzip();
  // An error of either end reaches the reader of `gunzip`, who then stops.
  pipeline(createReadStream(path), gunzip, () => undefined);
  const reader = new ByteReader(gunzip as AsyncIterable<Buffer>);
  try {
    yield* entriesIn(reader);
  } catch (cause) {
    throw cause instanceof RejectedError ? cause : refused('it cannot be unpacked', cause);
  } finally {
    gunzip.destroy();
  }
}

async function* entriesIn(reader: ByteReader): AsyncIterable<ArchiveEntry> {
  let extended: ReadonlyMap<string, string> = new Map();
  for (let block = await nextBlock(reader); !isZero(block); block = await nextBlock(reader)) {
    const header = readHeader(block);
    if (header.type === TYPE_FLAGS.pax) {
      extended = await readPax(reader, header.size);
      continue;
    }
    const size = Number(extended.get('size') ?? header.size);
    const left = { bytes: size };
    yield {
      path: extended.get('path') ?? header.path,
      kind: kindOf(header.type),
      mode: header.mode,
      size,
      target: extended.get('linkpath') ?? header.linkName,
      content: counted(reader, left),
    };
    for await (const _piece of counted(reader, left));
    await reader.block(paddingOf(size));
    extended = new Map();
  }
  if (!isZero(await nextBlock(reader)) || (await reader.block(1)) !== undefined)
    throw refused('something stands behind its end');
}

async function* counted(reader: ByteReader, left: { bytes: number }): AsyncIterable<Buffer> {
  for await (const piece of reader.pieces(left.bytes)) {
    left.bytes -= piece.length;
    yield piece;
  }
  if (left.bytes > 0) throw refused('it ends inside a file');
}

interface Header {
  readonly path: string;
  readonly linkName: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
}

function readHeader(block: Buffer): Header {
  if (numberAt(block, 148, 6) !== checksumOf(block)) throw refused('a checksum differs');
  if (block.toString('latin1', 257, 265) !== 'ustar\x0000') throw refused('it is no ustar archive');
  const [name, prefix] = [textAt(block, 0, 100), textAt(block, 345, 155)];
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    linkName: textAt(block, 157, 100),
    type: block.toString('latin1', 156, 157),
    mode: numberAt(block, 100, 7),
    size: numberAt(block, 124, 11),
  };
}

async function readPax(reader: ByteReader, size: number): Promise<Map<string, string>> {
  if (size > PAX_BYTES) throw refused(`an extended header has ${size} bytes, expected at most ${PAX_BYTES}`);
  let rest = (await reader.block(size)) ?? Buffer.alloc(0);
  await reader.block(paddingOf(size));
  const records = new Map<string, string>();
  while (rest.length > 0) {
    const [digits = ''] = /^\d{1,5}(?= )/.exec(rest.toString('latin1', 0, 6)) ?? [];
    const record = rest.subarray(0, Number(digits)).toString('utf8');
    const [, key, value] = /^\d+ (path|linkpath|size)=([\s\S]*)\n$/.exec(record) ?? [];
    if (digits === '' || key === undefined || value === undefined || records.has(key))
      throw refused('an extended header is malformed');
    records.set(key, value);
    rest = rest.subarray(Number(digits));
  }
  return records;
}

function kindOf(type: string): ArchiveEntry['kind'] {
  if (type === TYPE_FLAGS.file) return 'file';
  if (type === TYPE_FLAGS.symlink) return 'symlink';
  throw refused(`it holds an entry of type "${type}"`);
}

async function nextBlock(reader: ByteReader): Promise<Buffer> {
  const block = await reader.block(BLOCK_BYTES);
  if (!block) throw refused('it ends early');
  return block;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function numberAt(block: Buffer, at: number, digits: number): number {
  const text = block.toString('latin1', at, at + digits);
  if (!/^[0-7]+$/.test(text)) throw refused('a number is not octal');
  return Number.parseInt(text, 8);
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
}

function refused(fact: string, cause?: unknown): RejectedError {
  return new RejectedError('archive-malformed', `failed to read the archive: ${fact}`, { cause });
}
