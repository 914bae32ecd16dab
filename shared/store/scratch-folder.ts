/**
 * A private folder for work that need not survive: nothing in it is synced, and it goes away as a whole. It works on
 * every platform that a release is built on (`tree-writer.ts` is for hosts).
 */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TransientError } from '../errors.ts';
import type { Manifest, ManifestFile } from '../release/manifest.ts';

export class ScratchFolder {
  /** Absolute; only this user can enter it. */
  readonly path: string;

  /** Errors: `TransientError`. */
  constructor(prefix: string) {
    this.path = onDisk(`failed to make a scratch folder in "${tmpdir()}"`, () =>
      mkdtempSync(join(tmpdir(), `${prefix}-`)),
    );
  }

  /** Absolute path of a name in this folder. */
  at(name: string): string {
    return join(this.path, name);
  }

  makeFolder(name: string): string {
    const path = this.at(name);
    onDisk(`failed to make the folder "${path}"`, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
    return path;
  }

  /** Writes a file where nothing stands. Errors: `TransientError`, and whatever `chunks` throws. */
  async write(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
    const path = this.at(name);
    const file = onDisk(`failed to create "${path}"`, () => openSync(path, 'wx', 0o600));
    try {
      for await (const chunk of chunks) onDisk(`failed to write "${path}"`, () => writeAll(file, chunk));
    } finally {
      closeSync(file);
    }
    return path;
  }

  writeText(name: string, text: string): void {
    onDisk(`failed to write "${this.at(name)}"`, () => writeFileSync(this.at(name), text, { flag: 'wx', mode: 0o600 }));
  }

  /** Gives a file of this folder another name in it. */
  rename(from: string, to: string): void {
    onDisk(`failed to rename "${from}"`, () => renameSync(this.at(from), this.at(to)));
  }

  /**
   * Writes the tree of a checked manifest into the new folder `name`. Its files are copies, so that what runs there
   * can change them without changing their source.
   */
  writeTree(name: string, manifest: Manifest, contentOf: (file: ManifestFile) => Iterable<Uint8Array>): string {
    const root = this.makeFolder(name);
    for (const folder of new Set(manifest.entries.map(({ path }) => dirname(path))))
      this.makeFolder(join(name, folder));
    for (const entry of manifest.entries)
      if (entry.kind === 'file') writeInto(join(root, entry.path), entry, contentOf(entry));
    // Links come last, when nothing is written through a path any more.
    for (const entry of manifest.entries) {
      if (entry.kind === 'symlink')
        onDisk(`failed to link "${entry.path}"`, () => symlinkSync(entry.target, join(root, entry.path)));
    }
    return root;
  }

  remove(): void {
    onDisk(`failed to remove "${this.path}"`, () => {
      try {
        rmSync(this.path, { recursive: true, force: true });
      } catch {
        // What ran in here may have closed folders that it made; whatever else is wrong comes up again below.
        openFolders(this.path);
        rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
      }
    });
  }
}

function openFolders(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openFolders(join(path, entry.name));
  }
}

function writeInto(path: string, { mode }: ManifestFile, content: Iterable<Uint8Array>): void {
  const file = onDisk(`failed to create "${path}"`, () => openSync(path, 'wx', 0o600));
  try {
    for (const chunk of content) onDisk(`failed to write "${path}"`, () => writeAll(file, chunk));
    onDisk(`failed to write "${path}"`, () => fchmodSync(file, mode));
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.byteLength; ) at += writeSync(file, chunk, at, chunk.byteLength - at);
}

function onDisk<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TransientError(what, { cause });
  }
}
