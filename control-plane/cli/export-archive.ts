/** Writes the archive of a release, verified against the digest that its statement names before it gets its name. */
import { resolve } from 'node:path';
import type { Sha256 } from '../../shared/digest.ts';
import { type Ktr, readKtrRelease } from '../../shared/release/ktr.ts';
import type { ReleaseStatement } from '../../shared/release/release-statement.ts';
import { writeStreamAtomic } from '../../shared/store/stream-file.ts';
import type { OperatorClient } from './client.ts';

export interface ExportedArchive {
  readonly path: string;
  readonly sha256: Sha256;
  readonly bytes: number;
}

export type ArchiveSource =
  | { readonly ktr: Ktr }
  | { readonly statement: ReleaseStatement; readonly client: OperatorClient };

/** Errors: `RejectedError('content-digest-differs')` and no file, when the bytes are not those that were signed. */
export async function exportArchive(source: ArchiveSource, out: string | undefined): Promise<ExportedArchive> {
  const statement = 'ktr' in source ? (await readKtrRelease(source.ktr)).statement : source.statement;
  const { sha256, size, name } = statement.archive;
  const path = resolve(out ?? name);
  await writeStreamAtomic(path, 'ktr' in source ? fromKtr(source.ktr, sha256) : fromClient(source.client, statement), {
    sha256,
    size,
  });
  return { path, sha256, bytes: size };
}

async function* fromKtr(ktr: Ktr, sha256: Sha256): AsyncIterable<Uint8Array> {
  yield* ktr.blobs.get(sha256)?.open() ?? [];
}

async function* fromClient(client: OperatorClient, { archive }: ReleaseStatement): AsyncIterable<Uint8Array> {
  for await (const piece of client.fetchBlobs({ wants: [{ sha256: archive.sha256, size: archive.size, offset: 0 }] }))
    yield piece.data;
}
