import { RejectedError } from '../../shared/errors.ts';
import {
  parseReleaseStatement,
  type ReleaseStatement,
  releaseTargetPath,
} from '../../shared/release/release-statement.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import { checkTargetBytes, repositoryPath } from '../../shared/trust/target.ts';
import { refreshTrust } from '../../shared/trust/tuf-refresh.ts';
import type { Publisher } from './publication.ts';
import type { ReleaseName } from './release-name.ts';

/**
 * Reads the statement of a published release through the trust root pinned on this machine. Errors: what the refresh
 * failed with; `RejectedError('release-unknown')`, `target-differs`, `release-statement-malformed`.
 */
export async function readReleaseStatement(
  { app, version }: ReleaseName,
  { home, source }: Pick<Publisher, 'home' | 'source'>,
): Promise<ReleaseStatement> {
  const path = releaseTargetPath(app, version);
  const refreshed = await refreshTrust({ trusted: home.loadTrust(), source, targets: [path], rules: 'keyturn' });
  home.saveTrust(refreshed.trusted);
  if (refreshed.outcome.kind === 'failed') throw refreshed.outcome.error;
  const target = refreshed.targets.get(path);
  if (!target) {
    throw new RejectedError(
      'release-unknown',
      `failed to find release "${app}@${version}": no trusted role lists "${path}"`,
      {
        hint: 'see what there is with `keyturn release list`',
      },
    );
  }
  const bytes = await collectBounded(source.fetchTarget(repositoryPath(target)), {
    maxBytes: target.length,
    what: path,
  });
  checkTargetBytes(target, bytes);
  return parseReleaseStatement(bytes);
}
