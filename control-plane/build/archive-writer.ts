/**
 * A release as one `.tar.gz`: the same bytes for the same manifest, name and time.
 *
 * 1. Entries stand in the manifest's order, by the bytes of their paths, below one folder `<app>-<version>/`. Folders are
 *    implied by the paths.
 * 2. Owner 0 without a name, mode 0644, 0755 or (links) 0777, every time the commit's.
 * 3. A pax header only where ustar cannot say it: a long or a non-ASCII path, a long target, a size over 8 GiB.
 * 4. Gzip's header names no file, no time and no platform. Its body is as this Node's zlib compresses it.
 */
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Manifest, ManifestEntry, ManifestFile } from '../../shared/release/manifest.ts';
import {
  type ArchiveHeader,
  BLOCK_BYTES,
  checksumOf,
  NAME_BYTES,
  PREFIX_BYTES,
  paddingOf,
  TYPE_FLAGS,
  USTAR_SIZE_LIMIT,
} from './archive-format.ts';

const GATHERED_BYTES = 256 * 1024;

export interface ArchiveSource {
  /** The one folder that everything stands in, without a slash. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  readonly contentOf: (file: ManifestFile) => Iterable<Uint8Array>;
}

export async function* archiveChunks(source: ArchiveSource): AsyncIterable<Uint8Array> {
  const gzip = createGzip({ level: 6 });
  // An error of either end reaches the reader of `gzip`, who then stops.
  pipeline(gathered(tarChunks(source)), gzip, () => undefined);
  let isFirst = true;
  for await (const chunk of gzip as AsyncIterable<Buffer>) {
    yield isFirst ? withoutPlatform(chunk) : chunk;
    isFirst = false;
  }
}

/** Byte 9 of gzip's header is the platform, which differs between Linux and macOS; 255 is "unknown". */
function withoutPlatform(head: Buffer): Buffer {
  const copy = Buffer.from(head);
  copy[9] = 0xff;
  return copy;
}

/** In large pieces: each that is handed to gzip costs a turn of another thread. */
function* gathered(chunks: Iterable<Uint8Array>): Iterable<Uint8Array> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    pending.push(chunk);
    bytes += chunk.byteLength;
    if (bytes < GATHERED_BYTES) continue;
    yield Buffer.concat(pending);
    pending = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pending);
}

function* tarChunks({ folder, manifest, modifiedAt, contentOf }: ArchiveSource): Iterable<Uint8Array> {
  for (const entry of manifest.entries) {
    yield* headerBlocks(entry, { path: `${folder}/${entry.path}`, modifiedAt });
    if (entry.kind === 'symlink' || entry.size === 0) continue;
    yield* contentOf(entry);
    yield Buffer.alloc(paddingOf(entry.size));
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function* headerBlocks(
  entry: ManifestEntry,
  { path, modifiedAt }: { path: string; modifiedAt: number },
): Iterable<Buffer> {
  const target = entry.kind === 'symlink' ? entry.target : '';
  const size = entry.kind === 'file' ? entry.size : 0;
  const split = isAscii(path) ? splitPath(Buffer.from(path)) : undefined;
  const records = [
    ...(split ? [] : [paxRecord('path', path)]),
    ...(isAscii(target) && target.length <= NAME_BYTES ? [] : [paxRecord('linkpath', target)]),
    ...(size <= USTAR_SIZE_LIMIT ? [] : [paxRecord('size', String(size))]),
  ];
  if (records.length > 0) yield* paxBlocks(Buffer.concat(records), modifiedAt);
  yield headerBlock({
    type: entry.kind,
    ...(split ?? { name: cut(path), prefix: Buffer.alloc(0) }),
    linkName: cut(target),
    mode: entry.kind === 'file' ? entry.mode : 0o777,
    size: size <= USTAR_SIZE_LIMIT ? size : 0,
    modifiedAt,
  });
}

function* paxBlocks(records: Buffer, modifiedAt: number): Iterable<Buffer> {
  const none = Buffer.alloc(0);
  yield headerBlock({
    type: 'pax',
    name: Buffer.from('pax'),
    prefix: none,
    linkName: none,
    mode: 0o644,
    size: records.length,
    modifiedAt,
  });
  yield records;
  yield Buffer.alloc(paddingOf(records.length));
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const body = Buffer.from(` ${key}=${value}\n`);
  let length = body.length;
  while (length !== body.length + String(length).length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** The last slash that leaves both parts short enough; undefined where there is none. */
function splitPath(path: Buffer): Pick<ArchiveHeader, 'name' | 'prefix'> | undefined {
  if (path.length <= NAME_BYTES) return { name: path, prefix: Buffer.alloc(0) };
  const at = path.lastIndexOf(0x2f, PREFIX_BYTES);
  if (at <= 0 || path.length - at - 1 > NAME_BYTES) return undefined;
  return { name: path.subarray(at + 1), prefix: path.subarray(0, at) };
}

function headerBlock({ type, name, prefix, linkName, mode, size, modifiedAt }: ArchiveHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  name.copy(block, 0);
  block.write(octal(mode, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(octal(Math.min(modifiedAt, USTAR_SIZE_LIMIT), 11), 136, 'latin1');
  block.write(TYPE_FLAGS[type], 156, 'latin1');
  linkName.copy(block, 157);
  block.write('ustar\x0000', 257, 'latin1');
  prefix.copy(block, 345);
  block.write(`${octal(checksumOf(block), 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** What a reader without pax shows. */
function cut(text: string): Buffer {
  return Buffer.from(text).subarray(0, NAME_BYTES);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
