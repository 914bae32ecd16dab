/** Writes the archive of a release, verified against the digest that its statement names before it gets its name. */
import { resolve } from 'node:path';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { type Ktr, readKtrRelease } from '../../shared/release/ktr.ts';
import type { ReleaseStatement } from '../../shared/release/release-statement.ts';
import { writeStreamAtomic } from '../../shared/store/stream-file.ts';
import type { OperatorClient } from './client.ts';
import { assertOutputFile } from './output-file.ts';

export interface ExportedArchive {
  readonly path: string;
  readonly sha256: Sha256;
  readonly bytes: number;
}

export type ArchiveSource =
  | { readonly ktr: Ktr }
  | { readonly statement: ReleaseStatement; readonly client: OperatorClient };

/** Whoever made the bundle chose the name: it may not choose the folder, nor hide. */
const ARCHIVE_NAME = /^[a-z0-9][a-z0-9._-]{0,200}$/;

/**
 * Errors: `RejectedError('content-digest-differs')` when the bytes are not those that were signed,
 * `archive-name-unsafe`, `UsageError` when there is no place for the file, `TransientError` when the file cannot be written. After an error there is no file.
 */
export async function exportArchive(source: ArchiveSource, out: string | undefined): Promise<ExportedArchive> {
  const statement = 'ktr' in source ? (await readKtrRelease(source.ktr)).statement : source.statement;
  const { sha256, size, name } = statement.archive;
  const path = resolve(out ?? safeName(name));
  assertOutputFile(path, 'archive');
  const content = 'ktr' in source ? fromKtr(source.ktr, sha256) : fromClient(source.client, statement);
  try {
    await writeStreamAtomic(path, content, { sha256, size });
  } catch (error) {
    if (error instanceof RejectedError || error instanceof TransientError) throw error;
    throw new TransientError(`failed to write "${path}"`, { cause: error });
  }
  return { path, sha256, bytes: size };
}

function safeName(name: string): string {
  if (ARCHIVE_NAME.test(name)) return name;
  throw new RejectedError('archive-name-unsafe', `failed to export the archive "${name}": it is no plain file name`, {
    hint: 'say where it goes with --out FILE',
  });
}

async function* fromKtr(ktr: Ktr, sha256: Sha256): AsyncIterable<Uint8Array> {
  yield* ktr.blobs.get(sha256)?.open() ?? [];
}

async function* fromClient(client: OperatorClient, { archive }: ReleaseStatement): AsyncIterable<Uint8Array> {
  for await (const piece of client.fetchBlobs({ wants: [{ sha256: archive.sha256, size: archive.size, offset: 0 }] }))
    yield piece.data;
}
