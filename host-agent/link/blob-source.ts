/**
 * Content over whatever connection is open. The receiver checks every byte against the signed manifest; here it is only
 * unpacked, and seen to come in the order in which it was asked for.
 */
import { type Chunk, unpackChunks } from '../../shared/release/content/chunk-list.ts';
import type { Range } from '../../shared/release/content/segments.ts';
import type { ContentWant } from '../../shared/rpc/generated/messages.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { GatewayClient } from './gateway-client.ts';
import { untilSilent } from './silence.ts';
import { bytesOfParcel, type ContentPiece, type OfferedBase, unpackParcels } from './unpack-parcels.ts';

export interface WantedContent {
  readonly sha256: string;
  /** The whole blob's size in bytes. */
  readonly size: number;
  /** What is wanted of it; not empty. */
  readonly at: Range;
  /** Old bytes to unpack against, and what the control plane knows them by. */
  readonly base?: (OfferedBase & Range & { readonly sha256: string }) | undefined;
}

export interface LinkBlobSource {
  fetch(wants: readonly WantedContent[], options: { readonly signal: AbortSignal }): AsyncIterable<ContentPiece>;
  chunksOf(
    blob: { readonly sha256: string; readonly size: number },
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Chunk[]>;
}

/** Cutting a blob of gigabytes takes the control plane seconds; without its answer the blob is fetched as a whole. */
const CHUNK_LIST_MS = 60_000;

/**
 * `gateway` throws `TransientError` when no connection is open. Errors of a fetch: `TransientError` when the connection
 * breaks or nothing comes over it, `RejectedError` with the control plane's code or one of `unpackParcels`.
 */
export function linkBlobSource(gateway: () => GatewayClient, { clock }: { readonly clock: Clock }): LinkBlobSource {
  return {
    async *fetch(wants, { signal }) {
      if (wants.length === 0) return;
      const asked = wants.map(contentWant);
      const fetch = (until: AbortSignal) => gateway().fetchContent({ wants: asked }, { signal: until });
      const parcels = untilSilent(fetch, { clock, signal, bytesOf: bytesOfParcel });
      yield* unpackParcels(
        wants.map(({ sha256, at, base }) => ({ sha256, ...at, base })),
        parcels,
      );
    },
    chunksOf: async ({ sha256, size }, { signal }) =>
      unpackChunks(await gateway().fetchChunkList({ sha256 }, { signal, timeoutMs: CHUNK_LIST_MS }), size),
  };
}

function contentWant({ sha256, size, at, base }: WantedContent): ContentWant {
  const want = { sha256, size, offset: at.offset, length: at.length };
  if (!base) return want;
  return { ...want, dictionary: 'base', base: { sha256: base.sha256, offset: base.offset, length: base.length } };
}
