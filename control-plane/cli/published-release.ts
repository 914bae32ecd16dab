import { RejectedError } from '../../shared/errors.ts';
import {
  parseReleaseStatement,
  type ReleaseStatement,
  releaseTargetPath,
} from '../../shared/release/release-statement.ts';
import type { Publisher } from './publication.ts';
import { readPublishedTarget } from './published-target.ts';
import type { ReleaseName } from './release-name.ts';

/**
 * Reads the statement of a published release through the trust root pinned on this machine. Errors: what the refresh
 * failed with; `RejectedError('release-unknown')`, `target-differs`, `release-statement-malformed`.
 */
export async function readReleaseStatement(
  { app, version }: ReleaseName,
  publisher: Pick<Publisher, 'home' | 'source'>,
): Promise<ReleaseStatement> {
  const path = releaseTargetPath(app, version);
  const bytes = await readPublishedTarget(path, publisher);
  if (bytes === undefined) {
    throw new RejectedError(
      'release-unknown',
      `failed to find release "${app}@${version}": no trusted role lists "${path}"`,
      {
        hint: 'see what there is with `keyturn release list`',
      },
    );
  }
  return parseReleaseStatement(bytes);
}
