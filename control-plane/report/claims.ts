/**
 * The sentences that people act on (`production_mutation: NONE`), each tied to the checks that must have passed for it.
 *
 * A claim is proven only when each group of checks that it needs was planned, and all of them passed (P6). Otherwise
 * it is NOT PROVEN, whatever else is true: it is never worded as its opposite.
 */
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { areAnchorsSteady } from './anchor-digests.ts';
import { admissionEvidence, derived, rowsEvidence } from './cite.ts';
import type { Cited } from './document.ts';

export type ClaimName =
  | 'production-mutation'
  | 'host-mutation'
  | 'execution-enabled'
  | 'neighbours'
  | 'installed'
  | 'nothing-runs'
  | 'live-refused'
  | 'rollback-rehearsed';

export interface Claim {
  readonly value: Cited;
  readonly isProven: boolean;
  readonly evidence: readonly string[];
}

export const NOT_PROVEN = 'NOT PROVEN';

interface ClaimRule {
  readonly proven: string;
  /** Kinds of checks; of each at least one must be planned. */
  readonly needs: readonly string[];
  /** Kinds of checks that need not be planned, but must pass where they are. */
  readonly alsoHeld?: readonly string[];
  /** Gates whose checks must all pass. */
  readonly gates?: readonly string[];
  /** The claim is about what stands on the host: void once the run took it away. */
  readonly isAboutInstallation?: boolean;
}

export const CLAIM_RULES: Readonly<Record<ClaimName, ClaimRule>> = {
  // The kind `dryrun` compares production counts before and after; a plan without one cannot show that none changed.
  'production-mutation': {
    proven: 'NONE',
    needs: ['dryrun', 'one-path-added', 'rehearsal', 'nothing-runs', 'execution-closed'],
    alsoHeld: ['anchor', 'refuses-live'],
  },
  'host-mutation': {
    proven: 'additive only',
    needs: ['target-free', 'one-path-added'],
    alsoHeld: ['anchor'],
    isAboutInstallation: true,
  },
  'execution-enabled': { proven: 'False', needs: ['execution-closed'] },
  neighbours: { proven: 'UNTOUCHED', needs: ['anchor'] },
  // An install whose G4 does not pass as a whole is taken away again.
  installed: {
    proven: 'NEW, side-by-side',
    needs: ['installed-tree', 'one-path-added'],
    gates: ['G4'],
    isAboutInstallation: true,
  },
  'nothing-runs': { proven: 'NONE', needs: ['nothing-runs'] },
  'live-refused': { proven: 'refused', needs: ['refuses-live'] },
  'rollback-rehearsed': { proven: 'YES', needs: ['rehearsal'] },
};

export function makeClaim(ledger: VerifiedLedger, name: ClaimName): Claim {
  const rule = CLAIM_RULES[name];
  const rows = allRows(ledger).filter((row) => concerns(rule, row));
  const isProven =
    rule.needs.every((kind) => rows.some((row) => row.kind === kind)) &&
    rows.every((row) => row.status === 'PASS') &&
    (!isAboutNeighbours(rule) || areAnchorsSteady(ledger)) &&
    !(rule.isAboutInstallation && ledger.summary.phase === 'rolledBack');
  return {
    value: derived('claim', name, isProven ? rule.proven : NOT_PROVEN),
    isProven,
    evidence: [...new Set([...admissionEvidence(ledger), ...rowsEvidence(ledger, rows)])],
  };
}

export function allRows(ledger: VerifiedLedger): CheckRow[] {
  return ledger.summary.gates.flatMap((gate) => gate.checks);
}

export function rowsOfKind(ledger: VerifiedLedger, kind: string): CheckRow[] {
  return allRows(ledger).filter((row) => row.kind === kind);
}

function concerns({ needs, alsoHeld = [], gates = [] }: ClaimRule, row: CheckRow): boolean {
  return needs.includes(row.kind) || alsoHeld.includes(row.kind) || gates.includes(row.gate);
}

function isAboutNeighbours({ needs, alsoHeld = [] }: ClaimRule): boolean {
  return [...needs, ...alsoHeld].includes('anchor');
}
