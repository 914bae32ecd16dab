/**
 * The release statement: the TUF target `<app>/<version>.json` that release engineers sign. Everything else of a
 * release is reached from here by digest.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { APP_PATTERN, VERSION_PATTERN } from './names.ts';

export { APP_PATTERN, VERSION_PATTERN };

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const blob = z.strictObject({ sha256: digest, size: z.int().min(0).max(LIMITS.releaseBytes) });

const statementSchema = z.strictObject({
  schema: z.literal('keyturn.release/v1'),
  app: z.string().regex(APP_PATTERN),
  version: z.string().regex(VERSION_PATTERN),
  commit: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/),
  treeDigest: digest,
  manifest: blob,
  plan: blob,
  /** The build record: what G0 to G2 saw on the build machine (see build-record.ts). */
  buildRecord: blob,
  /** SLSA v1 provenance, an in-toto statement. */
  provenance: blob,
  /** The release as one deterministic .tar.gz, for audit and export; agents never parse it. */
  archive: blob.extend({ name: z.string().max(255) }),
});

export type ReleaseStatement = z.infer<typeof statementSchema>;
export type BlobReference = z.infer<typeof blob>;

/** The TUF target path of a release. */
export function releaseTargetPath(app: string, version: string): string {
  return `${app}/${version}.json`;
}

/** The folder that an installation adds below its install root. */
export function installationName(app: string, version: string): string {
  return `${app}-${version}`;
}

export function encodeReleaseStatement(statement: ReleaseStatement): Buffer {
  return encodeCanonical(statementSchema.parse(statement));
}

/** Errors: `RejectedError` with `not-canonical-json` or `release-statement-malformed`. */
export function parseReleaseStatement(bytes: Uint8Array): ReleaseStatement {
  const parsed = statementSchema.safeParse(decodeCanonical(bytes, 'release statement'));
  if (!parsed.success) {
    throw new RejectedError(
      'release-statement-malformed',
      `failed to read release statement: ${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}
