import { RejectedError } from '../errors.ts';
import { MetadataNotFound, type TrustSource } from '../trust/source.ts';
import type { MetadataPiece } from './generated/messages.ts';

/** Metadata and targets over a call that streams one file by its name. */
export function repositorySource(fetchFile: (name: string) => AsyncIterable<MetadataPiece>): TrustSource {
  return {
    fetchMetadata: (name) => contentOf(fetchFile(name), name),
    fetchTarget: (path) => contentOf(fetchFile(`targets/${path}`), path),
  };
}

async function* contentOf(pieces: AsyncIterable<MetadataPiece>, name: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const { data } of pieces) yield data;
  } catch (cause) {
    if (cause instanceof RejectedError && cause.code === 'metadata-not-found')
      throw new MetadataNotFound(name, { cause });
    throw cause;
  }
}
