import { createHash } from 'node:crypto';
import type { SqlDigests } from './look.ts';

/** A digest over rows, one after the other: each as a JSON array of texts and nulls, and a line feed. */
export class RowDigest {
  readonly #hash = createHash('sha256');
  #rowCount = 0;

  add(row: readonly (string | null)[]): void {
    this.#hash.update(`${JSON.stringify(row)}\n`);
    this.#rowCount += 1;
  }

  finish(): SqlDigests[string] {
    return { sha256: this.#hash.digest('hex'), rowCount: this.#rowCount };
  }
}
