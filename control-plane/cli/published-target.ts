/** Targets that were published, read through the trust root pinned on this machine. */
import { collectBounded } from '../../shared/trust/source.ts';
import { checkTargetBytes, repositoryPath } from '../../shared/trust/target.ts';
import { refreshTrust } from '../../shared/trust/tuf-refresh.ts';
import type { Publisher } from './publication.ts';

/** The bytes of a target; undefined where no trusted role lists it. Errors: what the refresh failed with; `target-differs`. */
export async function readPublishedTarget(
  path: string,
  { home, source }: Pick<Publisher, 'home' | 'source'>,
): Promise<Buffer | undefined> {
  const refreshed = await refreshTrust({ trusted: home.loadTrust(), source, targets: [path], rules: 'keyturn' });
  home.saveTrust(refreshed.trusted);
  if (refreshed.outcome.kind === 'failed') throw refreshed.outcome.error;
  const target = refreshed.targets.get(path);
  if (!target) return undefined;
  const bytes = await collectBounded(source.fetchTarget(repositoryPath(target)), {
    maxBytes: target.length,
    what: path,
  });
  checkTargetBytes(target, bytes);
  return bytes;
}
