import { fileNameOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import { type PublishedVersions, publishedVersions } from '../store/publications.ts';
import { readRepositoryFile } from '../store/repository.ts';
import type { Store } from '../store/schema.ts';

/** What is published, as a client that has just refreshed trusts it: files by name, without versions. */
export interface PublishedSet {
  readonly versions: PublishedVersions;
  readonly trusted: TrustedMetadata;
}

/** Undefined before the first publication. */
export async function publishedSet(store: Store): Promise<PublishedSet | undefined> {
  const versions = await publishedVersions(store);
  if (versions === undefined) return undefined;
  const read = (name: string): Promise<Buffer> => readRepositoryFile(store, name);
  const targets = await read(`${versions.targets}.targets.json`);
  const snapshot = await read(`${versions.snapshot}.snapshot.json`);
  const trusted = new Map<string, Uint8Array>([
    ['root.json', await read(`${versions.root}.root.json`)],
    ['timestamp.json', await read('timestamp.json')],
    ['snapshot.json', snapshot],
    ['targets.json', targets],
  ]);
  for (const [name, version] of delegatedFiles(targets, snapshot)) trusted.set(name, await read(`${version}.${name}`));
  return { versions, trusted };
}

/**
 * File name and version of each role that is delegated to. A snapshot goes on listing roles that were dismissed; what
 * they list counts no more.
 */
export function delegatedFiles(targets: Uint8Array, snapshot: Uint8Array): [name: string, version: number][] {
  const { meta } = checkMetadata('snapshot', snapshot).signed;
  const roles = checkMetadata('targets', targets).signed.delegations?.roles ?? [];
  return roles.flatMap(({ name }) => {
    const fileName = fileNameOf(name);
    const listed = Object.hasOwn(meta, fileName) ? meta[fileName] : undefined;
    return listed === undefined ? [] : [[fileName, listed.version] as [string, number]];
  });
}
