/** What the figures share: a folder on a disk, how much is measured, and series that more than one of them reads. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diskFolder } from '../measure/disk-folder.ts';
import { type Scale, scaleOf } from './scale.ts';

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly say: (line: string) => void;
}

export class Bench implements AsyncDisposable {
  readonly folder: string;
  readonly scale: Scale;
  readonly say: (line: string) => void;
  readonly #made = new Map<string, Promise<unknown>>();

  constructor({ isQuick, say }: BenchOptions) {
    this.folder = mkdtempSync(join(diskFolder(), 'keyturn-bench-'));
    this.scale = scaleOf(isQuick);
    this.say = say;
  }

  /** Makes something once, however many figures need it; a failure is everybody's. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return made as Promise<T>;
  }

  newFolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
