import { createHash } from 'node:crypto';
import { cutMark } from '../../shared/redaction.ts';
import type { CapturedOutput } from './outcome.ts';

/** More lines than any dry run has stop gates; further ones are thrown away, or those before them. */
export const FD3_LINE_COUNT = 256;
/** A stop gate's line with its summary; a longer one is thrown away whole, as half a JSON line says nothing. */
export const FD3_LINE_BYTES = 64 * 1024;

/**
 * Takes all of a stream in constant memory: keeps the first and the last half of `keepBytes`, counts and hashes the
 * rest. Never refuses a chunk, so a pipe is always drained.
 */
export class OutputCapture {
  readonly #headBytes: number;
  readonly #tailBytes: number;
  readonly #digest = createHash('sha256');
  readonly #head: Buffer[] = [];
  #headLength = 0;
  #tail: Buffer[] = [];
  #tailLength = 0;
  #totalBytes = 0;

  constructor(keepBytes: number) {
    this.#headBytes = Math.ceil(keepBytes / 2);
    this.#tailBytes = Math.floor(keepBytes / 2);
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  add(chunk: Buffer): void {
    this.#digest.update(chunk);
    this.#totalBytes += chunk.length;
    const forHead = chunk.subarray(0, this.#headBytes - this.#headLength);
    if (forHead.length > 0) {
      this.#head.push(Buffer.from(forHead));
      this.#headLength += forHead.length;
    }
    this.#addToTail(chunk.subarray(forHead.length));
  }

  /** Ends the capture; call once. */
  finish(): CapturedOutput {
    const head = Buffer.concat(this.#head);
    const kept = Buffer.concat(this.#tail);
    const tail = kept.subarray(Math.max(0, kept.length - this.#tailBytes));
    const leftOutBytes = this.#totalBytes - head.length - tail.length;
    const text =
      leftOutBytes === 0
        ? Buffer.concat([head, tail]).toString('utf8')
        : head.toString('utf8') + cutMark(leftOutBytes) + tail.toString('utf8');
    return {
      text,
      totalBytes: this.#totalBytes,
      isTruncated: leftOutBytes > 0,
      sha256: this.#digest.digest('hex'),
    };
  }

  #addToTail(rest: Buffer): void {
    if (rest.length === 0 || this.#tailBytes === 0) return;
    // Copied, as a chunk may be a small part of a large pooled buffer that would stay alive with it.
    this.#tail.push(Buffer.from(rest.subarray(Math.max(0, rest.length - this.#tailBytes))));
    this.#tailLength += this.#tail.at(-1)?.length ?? 0;
    if (this.#tailLength < 2 * this.#tailBytes && this.#tail.length < 1024) return;
    const joined = Buffer.concat(this.#tail);
    const last = Buffer.from(joined.subarray(Math.max(0, joined.length - this.#tailBytes)));
    this.#tail = [last];
    this.#tailLength = last.length;
  }
}

/** Cuts a stream into lines, bounded in count and size; what exceeds a bound is thrown away, never kept in part. */
export class LineCollector {
  readonly #keep: 'first' | 'last';
  readonly #lines: string[] = [];
  #pending: Buffer[] = [];
  #pendingLength = 0;

  constructor(keep: 'first' | 'last' = 'first') {
    this.#keep = keep;
  }

  add(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      this.#extend(chunk.subarray(from, end));
      this.#endLine();
      from = end + 1;
    }
    this.#extend(chunk.subarray(from));
  }

  /** All lines so far, and an unfinished last one. */
  finish(): readonly string[] {
    if (this.#pendingLength > 0) this.#endLine();
    return this.#lines;
  }

  #extend(part: Buffer): void {
    if (part.length === 0) return;
    this.#pendingLength += part.length;
    if (this.#pendingLength <= FD3_LINE_BYTES) this.#pending.push(Buffer.from(part));
    else this.#pending = [];
  }

  #endLine(): void {
    const isRoom = this.#keep === 'last' || this.#lines.length < FD3_LINE_COUNT;
    if (this.#pendingLength <= FD3_LINE_BYTES && isRoom) {
      this.#lines.push(Buffer.concat(this.#pending).toString('utf8'));
      if (this.#lines.length > FD3_LINE_COUNT) this.#lines.shift();
    }
    this.#pending = [];
    this.#pendingLength = 0;
  }
}
