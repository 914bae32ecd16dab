/**
 * The manifest of a release: every file's path, mode, size and SHA-256, and every symbolic link's target.
 *
 * Folders are implied by the paths. Entries are sorted by the UTF-8 bytes of their paths. The manifest is canonical
 * JSON; its own digest is in the signed release statement.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { checkManifestPaths } from './path-rules.ts';
import { type TreeEntry, treeDigest } from './tree-digest.ts';

const fileEntry = z.strictObject({
  kind: z.literal('file'),
  path: z.string(),
  /** Permission bits; no set-uid, set-gid or sticky bit can be said. */
  mode: z.union([z.literal(0o644), z.literal(0o755)]),
  size: z.int().min(0).max(LIMITS.fileBytes),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const symlinkEntry = z.strictObject({ kind: z.literal('symlink'), path: z.string(), target: z.string().min(1) });

const manifestSchema = z.strictObject({
  schema: z.literal('keyturn.manifest/v1'),
  entries: z
    .array(z.discriminatedUnion('kind', [fileEntry, symlinkEntry]))
    .min(1)
    .max(LIMITS.manifestFileCount),
});

export type ManifestFile = z.infer<typeof fileEntry>;
export type ManifestSymlink = z.infer<typeof symlinkEntry>;
export type ManifestEntry = ManifestFile | ManifestSymlink;
export type Manifest = z.infer<typeof manifestSchema>;

/** Sorts the entries, checks every rule and returns the manifest. Errors: `RejectedError` as `parseManifest`. */
export function createManifest(entries: readonly ManifestEntry[]): Manifest {
  const manifest: Manifest = { schema: 'keyturn.manifest/v1', entries: entries.toSorted(byPath) };
  checkManifest(manifest);
  return manifest;
}

export function encodeManifest(manifest: Manifest): Buffer {
  return encodeCanonical(manifest);
}

/**
 * Decodes and checks a manifest. Errors: `RejectedError` with `manifest-too-large`, `not-canonical-json`,
 * `manifest-malformed`, `manifest-unsorted`, `release-too-large`, or a code of `checkManifestPaths`.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.byteLength > LIMITS.manifestBytes) {
    throw new RejectedError(
      'manifest-too-large',
      `failed to read manifest: ${bytes.byteLength} bytes, expected at most ${LIMITS.manifestBytes}`,
    );
  }
  const parsed = manifestSchema.safeParse(decodeCanonical(bytes, 'manifest'));
  if (!parsed.success) {
    throw new RejectedError('manifest-malformed', `failed to read manifest: ${z.prettifyError(parsed.error)}`);
  }
  checkManifest(parsed.data);
  return parsed.data;
}

export function manifestFiles(manifest: Manifest): ManifestFile[] {
  return manifest.entries.filter((entry) => entry.kind === 'file');
}

/** The tree digest of the tree that this manifest describes, with the folders it implies at mode 0755. */
export function manifestTreeDigest(manifest: Manifest): string {
  return treeDigest([...impliedFolders(manifest), ...manifest.entries]);
}

function checkManifest(manifest: Manifest): void {
  checkManifestPaths(manifest.entries);
  for (const [index, entry] of manifest.entries.entries()) {
    const previous = manifest.entries[index - 1];
    if (previous && byPath(previous, entry) >= 0) {
      throw new RejectedError(
        'manifest-unsorted',
        `failed to read manifest: "${entry.path}" stands behind "${previous.path}"`,
      );
    }
  }
  const total = manifestFiles(manifest).reduce((sum, file) => sum + file.size, 0);
  if (total > LIMITS.releaseBytes) {
    throw new RejectedError(
      'release-too-large',
      `failed to read manifest: ${total} bytes, expected at most ${LIMITS.releaseBytes}`,
    );
  }
}

function impliedFolders(manifest: Manifest): TreeEntry[] {
  const folders = new Set<string>();
  for (const { path } of manifest.entries) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at));
  }
  return [...folders].map((path) => ({ kind: 'folder', path, mode: 0o755 }));
}

function byPath(a: ManifestEntry, b: ManifestEntry): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path));
}
