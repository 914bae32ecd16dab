/**
 * Blobs over whatever connection is open. The receiver checks every byte against the signed manifest; here it is only
 * seen to that the pieces come in the order in which they were asked for.
 */
import { RejectedError } from '../../shared/errors.ts';
import type { BlobPiece, BlobWant } from '../../shared/rpc/generated/messages.ts';
import type { GatewayClient } from './gateway-client.ts';

export interface WantedBlob {
  readonly sha256: string;
  /** The whole size in bytes. */
  readonly size: number;
  /** Where to begin; absent: at 0. */
  readonly offset?: number;
}

export interface LinkBlobSource {
  fetch(wants: readonly WantedBlob[], options: { readonly signal: AbortSignal }): AsyncIterable<BlobPiece>;
}

/**
 * `gateway` throws `TransientError` when no connection is open. Errors of a fetch: `TransientError` when the connection
 * breaks, `RejectedError` with the control plane's code, `blob-piece-misplaced` or `blob-incomplete`.
 */
export function linkBlobSource(gateway: () => GatewayClient): LinkBlobSource {
  return {
    fetch: (wants, { signal }) => {
      const asked = wants.map(({ sha256, size, offset = 0 }) => ({ sha256, size, offset }));
      return inOrder(asked, () => gateway().fetchBlobs({ wants: asked }, { signal }));
    },
  };
}

async function* inOrder(wants: readonly BlobWant[], pieces: () => AsyncIterable<BlobPiece>): AsyncGenerator<BlobPiece> {
  if (wants.length === 0) return;
  const rest = wants.values();
  let due = nextDue(rest);
  for await (const piece of pieces()) {
    if (
      due === undefined ||
      piece.sha256 !== due.sha256 ||
      piece.offset !== due.position ||
      piece.data.length > due.size - due.position
    ) {
      throw new RejectedError(
        'blob-piece-misplaced',
        `failed to fetch blobs: got "${piece.sha256}" at ${piece.offset}, expected "${due?.sha256}" at ${due?.position}`,
      );
    }
    if (piece.data.length > 0) yield piece;
    due.position += piece.data.length;
    if (due.position === due.size) due = nextDue(rest);
  }
  if (due !== undefined)
    throw new RejectedError(
      'blob-incomplete',
      `failed to fetch blob "${due.sha256}": it ended at ${due.position} of ${due.size}`,
    );
}

interface DueBlob {
  readonly sha256: string;
  readonly size: number;
  position: number;
}

function nextDue(wants: IterableIterator<BlobWant>): DueBlob | undefined {
  const next = wants.next();
  return next.done ? undefined : { sha256: next.value.sha256, size: next.value.size, position: next.value.offset };
}
