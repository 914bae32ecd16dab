import type { Sha256 } from '../../shared/digest.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import { releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { Store } from '../store/schema.ts';
import { publishedSet } from './published-set.ts';

export interface PublishedRelease {
  readonly app: string;
  readonly version: string;
  readonly statementSha256: Sha256;
}

/** Undefined when the published metadata names no such release. */
export async function findRelease(store: Store, app: string, version: string): Promise<PublishedRelease | undefined> {
  const published = await publishedSet(store);
  const role = published?.trusted.get(`${releaseRoleOf(app)}.json`);
  if (role === undefined) return undefined;
  const { targets } = checkMetadata(releaseRoleOf(app), role).signed;
  const path = releaseTargetPath(app, version);
  const target = Object.hasOwn(targets, path) ? targets[path] : undefined;
  return target && { app, version, statementSha256: target.hashes.sha256 };
}

/** Every release that the published metadata names, by application and version. */
export async function allReleases(store: Store): Promise<PublishedRelease[]> {
  const published = await publishedSet(store);
  const roles = [...(published?.trusted ?? [])].filter(([name]) => name.startsWith(releaseRoleOf('')));
  const releases = roles.flatMap(([name, bytes]) => {
    const { targets } = checkMetadata(name.slice(0, -'.json'.length), bytes).signed;
    return Object.entries(targets).map(([path, target]) => releaseAt(path, target.hashes.sha256));
  });
  return releases.sort((a, b) => (`${a.app}/${a.version}` < `${b.app}/${b.version}` ? -1 : 1));
}

function releaseAt(path: string, statementSha256: Sha256): PublishedRelease {
  const [app = '', file = ''] = path.split('/');
  return { app, version: file.slice(0, -'.json'.length), statementSha256 };
}
