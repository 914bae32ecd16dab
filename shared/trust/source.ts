/** Where trust metadata and small targets come from: HTTP, the agent's session, or memory. Nothing a source says is trusted. */
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface MetadataSource {
  /**
   * The bytes of one metadata file, named as in the repository (`2.root.json`, `timestamp.json`, `1.release-app.json`;
   * odd role names arrive percent-encoded). Throws `MetadataNotFound` when there is no such file, and `TransientError`
   * when the source cannot be reached. The reader may stop early; the source then lets go of what it holds.
   */
  fetchMetadata(name: string): AsyncIterable<Uint8Array>;
}

export interface TargetSource {
  /** The bytes of one target, under the path it has in the repository (`app/<sha256>.1.0.0.json`). Throws as above. */
  fetchTarget(path: string): AsyncIterable<Uint8Array>;
}

export type TrustSource = MetadataSource & TargetSource;

/** The source has no such file. For the next root that is the normal end of a refresh. */
export class MetadataNotFound extends RejectedError {
  override readonly name = 'MetadataNotFound';
  constructor(fileName: string, options: { cause?: unknown } = {}) {
    super('metadata-not-found', `failed to fetch "${fileName}": the source has no such file`, options);
  }
}

/** Reads a stream to its end, or to one byte over `maxBytes`: then `RejectedError('metadata-too-large')`. */
export async function collectBounded(
  stream: AsyncIterable<Uint8Array>,
  { maxBytes, what }: { maxBytes: number; what: string },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > maxBytes) {
      throw new RejectedError('metadata-too-large', `failed to fetch "${what}": it has more than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * A source over files in memory, by their name in the repository. The control plane uses one to judge a publication as
 * a client would before it is made public.
 */
export function memorySource(
  metadata: ReadonlyMap<string, Uint8Array>,
  targets: ReadonlyMap<string, Uint8Array> = new Map(),
): TrustSource {
  return {
    fetchMetadata: (name) => pieces(metadata, name),
    fetchTarget: (path) => pieces(targets, path),
  };
}

async function* pieces(files: ReadonlyMap<string, Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const bytes = files.get(name);
  if (bytes === undefined) throw new MetadataNotFound(name);
  for (let offset = 0; offset < bytes.length; offset += LIMITS.blobChunkBytes) {
    yield bytes.subarray(offset, offset + LIMITS.blobChunkBytes);
  }
}
