/** The published trust metadata and targets, under the names they have in a TUF repository. */
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { MetadataPiece } from '../../shared/rpc/generated/messages.ts';
import { findMetadataFile } from './metadata-files.ts';
import type { Store } from './schema.ts';
import { findTarget } from './targets.ts';

/** A target under its consistent name: `targets/<folder>/<sha256>.<file>`. */
const TARGET_NAME = /^targets\/((?:[^/]+\/)*)([0-9a-f]{64})\.([^/]+)$/;

/** Errors: `RejectedError('metadata-not-found')`. */
export async function readRepositoryFile(store: Store, name: string): Promise<Buffer> {
  const [, folder, digest, file] = TARGET_NAME.exec(name) ?? [];
  const content =
    digest === undefined ? await findMetadataFile(store, name) : await findTarget(store, `${folder}${file}`, digest);
  if (content === undefined)
    throw new RejectedError('metadata-not-found', `failed to read "${name}": there is no such file`);
  return content;
}

export async function* serveRepositoryFile(store: Store, name: string): AsyncGenerator<MetadataPiece> {
  const content = await readRepositoryFile(store, name);
  for (let offset = 0; offset < content.length; offset += LIMITS.blobChunkBytes) {
    yield { data: content.subarray(offset, offset + LIMITS.blobChunkBytes) };
  }
}
