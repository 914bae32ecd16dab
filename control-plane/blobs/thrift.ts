/**
 * Whether compressing is worth the work, learnt from what it saved so far: content that does not shrink is tried again
 * after more and more parcels, so that a release of media or archives costs next to nothing, and a mixed one still shrinks.
 */
const WORTHWHILE_SHARE = 0.95;
const MOST_SKIPPED = 16;

export class Thrift {
  #skipNext = 0;
  #skipped = 0;

  shouldTry(): boolean {
    if (this.#skipped >= this.#skipNext) return true;
    this.#skipped += 1;
    return false;
  }

  /** Hears what came of a try; tells whether the compressed bytes are the ones to send. */
  isWorth(compressedBytes: number, rawBytes: number): boolean {
    const isWorth = compressedBytes < rawBytes * WORTHWHILE_SHARE;
    this.#skipNext = isWorth ? 0 : Math.min(MOST_SKIPPED, Math.max(1, this.#skipNext * 2));
    this.#skipped = 0;
    return isWorth;
  }
}
