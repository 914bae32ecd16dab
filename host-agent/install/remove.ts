import { performance } from 'node:perf_hooks';
import { removeTree } from '../../shared/store/atomic-file.ts';
import { isAside, moveAside } from './aside.ts';
import type { InstallContext } from './install-context.ts';

export interface RemoveReport {
  readonly removed: 'installation' | 'nothing-there';
  /** How long it took until the path was free. */
  readonly freedMs: number;
}

/**
 * Undoes the installation of this run for good: the one path is freed by a rename, then what was moved aside is
 * deleted. The check `removal` does the rename and proves its effect; if it was not run, the rename is done here.
 * Idempotent. Errors: `RejectedError` with `not-our-installation` or `installation-twice`, and then nothing has
 * changed; `TransientError` of the disk.
 */
export async function remove(context: InstallContext): Promise<RemoveReport> {
  const startedAtMs = performance.now();
  const moved = moveAside(context);
  const freedMs = Math.round(performance.now() - startedAtMs);
  if (moved === 'nothing-there' && !isAside(context)) return { removed: 'nothing-there', freedMs };
  removeTree(context.places.aside);
  context.testOnlyAfterEffect?.('aside-deleted');
  return { removed: 'installation', freedMs };
}
