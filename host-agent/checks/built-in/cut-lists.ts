/** Lists of any length, as the ledger can hold them. A cut list is never one that a judge takes for the whole. */
import {
  DIFFERENCE_KEY_COUNT,
  DIFFERENCE_KEY_LENGTH,
  type HostDifference,
} from '../../../shared/ledger/kinds/host-difference.ts';
import {
  REFERENCE_COUNT,
  REFERENCE_LENGTH,
  type TargetReferencesSeen,
} from '../../../shared/ledger/kinds/target-references.ts';
import type { TargetReferences } from '../../install/fingerprint.ts';
import type { FingerprintDifference } from '../../install/fingerprint-difference.ts';
import { cutEnd } from '../cut-text.ts';

export function cutDifference({ added, removed, changed }: FingerprintDifference): HostDifference {
  const lists = [added, removed, changed];
  return {
    added: cutKeys(added),
    removed: cutKeys(removed),
    changed: cutKeys(changed),
    leftOutCount: lists.reduce((sum, keys) => sum + Math.max(0, keys.length - DIFFERENCE_KEY_COUNT), 0),
  };
}

/** For references any cut is harmless: one is already too many. */
export function cutReferences(found: TargetReferences): TargetReferencesSeen {
  const cut = (names: readonly string[]) =>
    names.slice(0, REFERENCE_COUNT).map((name) => cutEnd(name, REFERENCE_LENGTH));
  return {
    units: cut(found.units),
    cronEntries: cut(found.cronEntries),
    processes: cut(found.processes),
    ports: cut(found.ports),
    unreadable: cut(found.unreadable),
    hiddenProcessCount: found.hiddenProcessCount,
  };
}

function cutKeys(keys: readonly string[]): string[] {
  return keys.slice(0, DIFFERENCE_KEY_COUNT).map((key) => cutEnd(key, DIFFERENCE_KEY_LENGTH));
}
