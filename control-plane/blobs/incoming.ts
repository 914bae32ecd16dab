/**
 * The folder of what is still arriving: `<sha256>.part` each, and folders of small blobs that are about to get their names.
 *
 * 1. A blob has one writer at a time; a second one would tear its part.
 * 2. A part that nobody has written to for `PART_KEPT_MS` is given up: it is removed at the start, and whenever an upload
 *    begins. A younger one can be resumed.
 * 3. What has begun is bounded in number and in bytes. A part that is being written counts with its announced size.
 * 4. A folder of small blobs lives for one flush: one that is found at the start belongs to nobody, and is removed.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { isSha256, type Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { removeTree } from '../../shared/store/atomic-file.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** A push that broke off on a Friday is resumed on the Monday after the next. */
export const PART_KEPT_MS = 10 * 24 * 60 * 60 * 1000;

const SUFFIX = '.part';
const GROUP_PREFIX = 'group-';

export interface Part {
  readonly sha256: Sha256;
  readonly bytes: number;
  /** Whether somebody is writing to it. */
  readonly isOpen: boolean;
  /** By the clock of the file system, in milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export class Incoming {
  readonly #folder: string;
  readonly #clock: Clock;
  /** The announced sizes of what is being written. */
  readonly #open = new Map<Sha256, number>();

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#giveUpStale();
    for (const name of this.#names()) if (name.startsWith(GROUP_PREFIX)) removeTree(join(folder, name));
  }

  /** A new name for a folder of small blobs. */
  groupPath(): string {
    return join(this.#folder, `${GROUP_PREFIX}${randomBytes(6).toString('hex')}`);
  }

  /** Everything that has begun. Errors: `TransientError`. */
  parts(): Part[] {
    const digests = this.#names()
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length));
    return digests.filter(isSha256).flatMap((sha256) => {
      const stat = this.#stat(sha256);
      if (stat === undefined) return [];
      return [{ sha256, bytes: stat.size, isOpen: this.#open.has(sha256), writtenAtMs: stat.mtimeMs }];
    });
  }

  pathOf(sha256: Sha256): string {
    return join(this.#folder, `${sha256}${SUFFIX}`);
  }

  /** How many bytes of an unfinished upload are here. Errors: `TransientError`. */
  bytesOf(sha256: Sha256): number {
    return this.#stat(sha256)?.size ?? 0;
  }

  /**
   * The place of one upload, until it is disposed. Errors: `RejectedError('incoming-full')`; `TransientError` while
   * somebody else has it.
   */
  take({ sha256, size }: { sha256: Sha256; size: number }): Disposable {
    if (this.#open.has(sha256))
      throw new TransientError(`failed to receive blob "${sha256}": it is being uploaded already`);
    const others = this.#giveUpStale().filter((part) => part.sha256 !== sha256 && !part.isOpen);
    checkRoom([...others.map(({ bytes }) => bytes), ...this.#open.values()], { sha256, size });
    this.#open.set(sha256, size);
    return { [Symbol.dispose]: () => void this.#open.delete(sha256) };
  }

  /** Returns the parts that stay. */
  #giveUpStale(): Part[] {
    const staleBefore = this.#clock.now() - PART_KEPT_MS;
    return this.parts().filter(({ sha256, isOpen, writtenAtMs }) => {
      if (isOpen || writtenAtMs > staleBefore) return true;
      removeTree(this.pathOf(sha256));
      return false;
    });
  }

  #names(): string[] {
    return this.#look(() => readdirSync(this.#folder));
  }

  #stat(sha256: Sha256) {
    return this.#look(() => lstatSync(this.pathOf(sha256), { throwIfNoEntry: false }));
  }

  #look<T>(look: () => T): T {
    try {
      return look();
    } catch (cause) {
      throw new TransientError(`failed to look into "${this.#folder}"`, { cause });
    }
  }
}

function checkRoom(sizes: readonly number[], { sha256, size }: { sha256: Sha256; size: number }): void {
  const bytes = sizes.reduce((sum, each) => sum + each, size);
  if (bytes <= LIMITS.incomingBytes && sizes.length < LIMITS.incomingCount) return;
  const limits = `at most ${LIMITS.incomingBytes} bytes in ${LIMITS.incomingCount} uploads`;
  throw new RejectedError(
    'incoming-full',
    `failed to receive blob "${sha256}": with its ${size} bytes ${bytes} bytes in ${sizes.length + 1} uploads would be under way, expected ${limits}`,
    {
      hint: `finish the pushes that broke off; what nobody goes on with is removed after ${PART_KEPT_MS / 86_400_000} days`,
    },
  );
}
