import { RejectedError, TransientError } from '../../shared/errors.ts';
import type { UploadParcel, UploadReceipt } from '../../shared/rpc/generated/messages.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { type ArrivingSlice, BlobIntake } from '../blobs/blob-intake.ts';
import type { OperatorContext } from './operator-context.ts';

/** A blob has one uploader at a time, so one that has gone quiet must not keep it from the others. */
export const UPLOAD_SILENCE_MS = 2 * 60_000;

/** Errors: `upload-parcel-malformed`, those of `BlobIntake`; `TransientError` when no more comes. */
export async function uploadBlobs(
  { blobs, clock }: OperatorContext,
  parcels: AsyncIterable<UploadParcel>,
): Promise<UploadReceipt> {
  await using intake = new BlobIntake(blobs);
  for await (const parcel of unlessQuiet(parcels, clock)) {
    for (const slice of slicesOf(parcel)) await intake.take(slice);
  }
  return { blobCount: await intake.finish() };
}

function* slicesOf({ slices, data }: UploadParcel): Generator<ArrivingSlice> {
  const expected = slices.reduce((sum, { length }) => sum + length, 0);
  if (expected !== data.length) {
    throw new RejectedError(
      'upload-parcel-malformed',
      `failed to receive blobs: a parcel has ${data.length} bytes, its slices have ${expected}`,
    );
  }
  let at = 0;
  for (const { sha256, size, offset, length } of slices) {
    yield { sha256, size, offset, data: data.subarray(at, at + length) };
    at += length;
  }
}

async function* unlessQuiet<T>(items: AsyncIterable<T>, clock: Clock): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  for (;;) {
    const next = await nextUnlessQuiet(iterator, clock);
    if (next.done) return;
    yield next.value;
  }
}

async function nextUnlessQuiet<T>(items: AsyncIterator<T>, clock: Clock): Promise<IteratorResult<T>> {
  const silence = Promise.withResolvers<never>();
  const quiet = new TransientError(`failed to receive blobs: nothing came for ${UPLOAD_SILENCE_MS} ms`);
  const timer = clock.setTimer(UPLOAD_SILENCE_MS, () => silence.reject(quiet));
  try {
    return await Promise.race([items.next(), silence.promise]);
  } finally {
    timer.cancel();
  }
}
