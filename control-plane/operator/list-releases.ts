import type { ListReleasesResponse } from '../../shared/rpc/generated/messages.ts';
import { allReleases } from './find-release.ts';
import type { OperatorContext } from './operator-context.ts';

export async function listReleases({ store }: OperatorContext): Promise<ListReleasesResponse> {
  return { releases: await allReleases(store) };
}
