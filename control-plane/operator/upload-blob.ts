import { RejectedError } from '../../shared/errors.ts';
import type { UploadPiece, UploadReceipt } from '../../shared/rpc/generated/messages.ts';
import type { OperatorContext } from './operator-context.ts';

/** Errors: `upload-empty`, `upload-piece-misplaced`, and those of `BlobStore.receive`. */
export async function uploadBlob(
  { blobs }: OperatorContext,
  pieces: AsyncIterable<UploadPiece>,
): Promise<UploadReceipt> {
  const reader = pieces[Symbol.asyncIterator]();
  const first = await reader.next();
  if (first.done) throw new RejectedError('upload-empty', 'failed to receive a blob: the upload has no piece');
  const { sha256, size, offset } = first.value;
  await blobs.receive({ sha256, size, offset }, contentsOf(first.value, reader));
  return { sha256 };
}

async function* contentsOf(first: UploadPiece, reader: AsyncIterator<UploadPiece>): AsyncGenerator<Buffer> {
  let expectedOffset = first.offset;
  for (let piece = first; ; ) {
    if (piece.sha256 !== first.sha256 || piece.size !== first.size || piece.offset !== expectedOffset) {
      throw new RejectedError(
        'upload-piece-misplaced',
        `failed to receive blob "${first.sha256}": got offset ${piece.offset} of "${piece.sha256}", expected ${expectedOffset}`,
      );
    }
    expectedOffset += piece.data.length;
    yield piece.data;
    const next = await reader.next();
    if (next.done) return;
    piece = next.value;
  }
}
