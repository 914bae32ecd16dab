/** How far a transfer is and how fast it goes, in words; pure: the time is an argument. */

export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** One transfer, from the first time something is heard of it: what was there by then says nothing about its rate. */
export class Transfer {
  readonly #startedAtMs: number;
  readonly #startBytes: number;
  #latest: TransferProgress;
  #latestAtMs: number;

  constructor(first: TransferProgress, atMs: number) {
    this.#startedAtMs = atMs;
    this.#startBytes = first.doneBytes;
    this.#latest = first;
    this.#latestAtMs = atMs;
  }

  advance(progress: TransferProgress, atMs: number): void {
    this.#latest = progress;
    this.#latestAtMs = atMs;
  }

  /** `12.3 of 60.0 MB, 20 %, 41.2 MB/s`; without a rate while there is none. */
  get text(): string {
    const { doneBytes, totalBytes } = this.#latest;
    const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
    return [`${sizesText(doneBytes, totalBytes)}, ${percent} %`, ...this.#rate()].join(', ');
  }

  #rate(): string[] {
    const bytes = this.#latest.doneBytes - this.#startBytes;
    const seconds = (this.#latestAtMs - this.#startedAtMs) / 1000;
    return bytes > 0 && seconds > 0 ? [`${(bytes / 1e6 / seconds).toFixed(1)} MB/s`] : [];
  }
}

const UNITS = [
  { name: 'GB', bytes: 1e9 },
  { name: 'MB', bytes: 1e6 },
  { name: 'kB', bytes: 1e3 },
];

/** Both in the unit that suits the second; `60.0 MB` where they are equal. */
function sizesText(done: number, total: number): string {
  const unit = UNITS.find(({ bytes }) => total >= bytes);
  const shown = (count: number): string => (unit ? (count / unit.bytes).toFixed(1) : `${count}`);
  return done === total
    ? `${shown(total)} ${unit?.name ?? 'B'}`
    : `${shown(done)} of ${shown(total)} ${unit?.name ?? 'B'}`;
}
