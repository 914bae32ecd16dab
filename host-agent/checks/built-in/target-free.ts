import type { TargetFreeObservation } from '../../../shared/ledger/kinds/target-free.ts';
import { standingAt } from '../../../shared/store/tree-move.ts';
import { type Observe, observed } from '../observe.ts';

export const observeTargetFree: Observe = async ({ places }) =>
  observed({
    path: places.installPath,
    installRoot: standingKind(places.installRoot),
    target: standingKind(places.installPath),
  } satisfies TargetFreeObservation);

function standingKind(path: string): TargetFreeObservation['target'] {
  const stat = standingAt(path);
  if (!stat) return 'nothing';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isFile() ? 'file' : 'special';
}
