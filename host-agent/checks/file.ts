import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type FileObservation, type FileParams, fileKind } from '../../shared/ledger/kinds/file.ts';
import { paramsOf } from './check-params.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { lookIntoTree } from './tree-entry.ts';

const PIECE_BYTES = 256 * 1024;

/** Sees what stands at a path of the installed tree, and of a regular file its size, mode, digest and content. */
export async function observeFile({ check, places, signal }: CheckContext): Promise<CheckOutcome> {
  const params = paramsOf(fileKind, check);
  const observation = await lookIntoTree(places.installPath, params.path, async ({ is, file }) => ({
    path: params.path,
    is,
    file: file && (await readFile(file, { params, signal })),
  }));
  return observed(observation);
}

async function readFile(
  handle: FileHandle,
  { params, signal }: { params: FileParams; signal: AbortSignal },
): Promise<FileObservation['file']> {
  const { mode, size } = await handle.stat();
  const digest = createHash('sha256');
  const search = params.contains === undefined ? undefined : new LiteralSearch(params.contains);
  signal.throwIfAborted();
  // Not the stream's own `signal`: one that is aborted already ends the whole program.
  for await (const piece of handle.createReadStream({ highWaterMark: PIECE_BYTES, autoClose: false })) {
    signal.throwIfAborted();
    digest.update(piece as Buffer);
    search?.add(piece as Buffer);
  }
  return {
    size,
    mode: `0${(mode & 0o777).toString(8).padStart(3, '0')}`,
    sha256: digest.digest('hex'),
    contains: search?.isFound,
  };
}

/** Finds a literal text in a stream of pieces, also where it lies across two. */
class LiteralSearch {
  readonly #wanted: Buffer;
  #kept: Buffer = Buffer.alloc(0);
  #isFound = false;

  constructor(wanted: string) {
    this.#wanted = Buffer.from(wanted);
  }

  get isFound(): boolean {
    return this.#isFound;
  }

  add(piece: Buffer): void {
    if (this.#isFound) return;
    const joined = Buffer.concat([this.#kept, piece]);
    this.#isFound = joined.includes(this.#wanted);
    this.#kept = joined.subarray(Math.max(0, joined.length - this.#wanted.length + 1));
  }
}
