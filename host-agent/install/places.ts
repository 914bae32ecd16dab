import { join } from 'node:path';
import { installPath, type SignedRelease } from '../../shared/ledger/planned-checks.ts';
import type { RunPlaces } from '../checks/observe.ts';

/** Everything of Keyturn's own below an install root; gone once no run needs it. */
export const KEYTURN_FOLDER = '.keyturn';

const RUN_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Where a run puts things on this host. Throws on a run id that is no plain file name: ids are made by the agent. */
export function placesOf(options: {
  rootPrefix: string;
  release: SignedRelease;
  run: string;
  hidden: readonly string[];
}): RunPlaces {
  const { rootPrefix, release, run, hidden } = options;
  if (!RUN_PATTERN.test(run)) throw new Error(`expected a run id that matches ${RUN_PATTERN}, got "${run}"`);
  const installRoot = join(rootPrefix === '' ? '/' : rootPrefix, release.plan.install.root);
  return {
    rootPrefix,
    installRoot,
    installPath: join(rootPrefix === '' ? '/' : rootPrefix, installPath(release)),
    staging: join(installRoot, KEYTURN_FOLDER, 'staging', run),
    aside: join(installRoot, KEYTURN_FOLDER, 'aside', run),
    hidden,
  };
}
