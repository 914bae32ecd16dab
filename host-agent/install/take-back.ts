import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { TransientError } from '../../shared/errors.ts';
import { manifestFiles } from '../../shared/release/manifest.ts';
import { removeTree } from '../../shared/store/atomic-file.ts';
import { blobPath } from '../../shared/store/blob-file.ts';
import { diskHint } from '../../shared/store/disk-hints.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import type { InstallContext } from './install-context.ts';
import { contentFolder, stagedTree } from './staging.ts';

/**
 * Moves the files of a tree that an interrupted `stage` has left back among the received content, and removes the rest of
 * it. What they hold after a power cut is anybody's guess: `receive` hashes them again. Errors: `TransientError`.
 */
export function takeBackContent(context: InstallContext): void {
  const tree = stagedTree(context.places);
  if (!standingAt(tree)) return;
  const content = contentFolder(context.places);
  for (const { path, sha256 } of manifestFiles(context.manifest)) {
    const staged = join(tree, path);
    if (!standingAt(staged)?.isFile()) continue;
    try {
      renameSync(staged, blobPath(content, sha256));
    } catch (cause) {
      throw new TransientError(`failed to take back "${staged}"`, { cause, hint: diskHint(cause) });
    }
  }
  removeTree(tree);
  context.testOnlyAfterEffect?.('tree-removed');
}
