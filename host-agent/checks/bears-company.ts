import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';

/**
 * Whether other checks of the gate may be observed at the same time. One that has the host's network may not, whatever its
 * kind: what it listens on, the others would meet.
 */
export function bearsCompany(check: PlannedCheck, kinds: ReadonlyMap<string, AnyCheckKind>): boolean {
  return kinds.get(check.kind)?.bearsCompany === true && check.params.network !== true;
}
