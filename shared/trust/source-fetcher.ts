/** The fetcher that tuf-js is given: names instead of addresses, bounds, and Keyturn's rules before tuf-js sees a byte. */
import { isUtf8 } from 'node:buffer';
import type { Fetcher } from 'tuf-js';
// The package's index does not export it, yet only this very class tells tuf-js that there is no newer root.
import { DownloadHTTPError } from 'tuf-js/dist/error.js';

import { RejectedError, TransientError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { collectBounded, MetadataNotFound, type MetadataSource } from './source.ts';
import { checkMetadata } from './tuf-rules.ts';

/** A made-up address: tuf-js joins names to it, and they are cut off again. */
export const REPOSITORY_URL = 'source://repository/';

const NEXT_ROOT = /^\d+\.root\.json$/;
const FILE_NAME = /^(?:\d+\.)?(?<role>.+)\.json$/;

export class SourceFetcher implements Fetcher {
  /** What was fetched and let through, in order. */
  readonly fetched: Buffer[] = [];
  /** The error that ended the walk, with its class: tuf-js turns some errors into text. */
  failure: RejectedError | TransientError | undefined;

  readonly #source: MetadataSource;
  readonly #rules: 'keyturn' | 'tuf';

  constructor(source: MetadataSource, rules: 'keyturn' | 'tuf') {
    this.#source = source;
    this.#rules = rules;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const name = url.slice(REPOSITORY_URL.length);
    try {
      const bytes = await this.#fetch(name, maxLength);
      this.fetched.push(bytes);
      return bytes;
    } catch (error) {
      if (error instanceof MetadataNotFound && NEXT_ROOT.test(name)) throw new DownloadHTTPError(error.message, 404);
      this.failure = asKnownError(name, error);
      throw error;
    }
  }

  /** Targets never come through tuf-js: it would copy them through a temporary file. */
  downloadFile(url: string): Promise<never> {
    throw new Error(`unexpected download of "${url}" by tuf-js`);
  }

  async #fetch(name: string, maxLength: number): Promise<Buffer> {
    const maxBytes = this.#rules === 'keyturn' ? Math.min(maxLength, LIMITS.trustMetadataBytes) : maxLength;
    const bytes = await collectBounded(this.#source.fetchMetadata(name), { maxBytes, what: name });
    // tuf-js would store such bytes altered.
    if (!isUtf8(bytes)) throw new RejectedError('metadata-malformed', `failed to fetch "${name}": it is not UTF-8`);
    if (this.#rules === 'keyturn') checkMetadata(roleOf(name), bytes);
    return bytes;
  }
}

function roleOf(name: string): string {
  return decodeURIComponent(FILE_NAME.exec(name)?.groups?.role ?? name);
}

/** A file that should be there and is not may come yet, or is withheld: nothing is wrong with what was seen so far. */
function asKnownError(name: string, error: unknown): RejectedError | TransientError {
  if (error instanceof MetadataNotFound) return new TransientError(error.message, { cause: error });
  if (error instanceof RejectedError || error instanceof TransientError) return error;
  return new TransientError(`failed to fetch "${name}"`, { cause: error });
}
