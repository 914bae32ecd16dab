/** An enable order for hosts whose real, signed ledgers are beside it. */
import { type EnableDecision, enableDecision } from '../../control-plane/cli/decision-text/enable-decision.ts';
import { sha256 } from '../../shared/digest.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { EnableOrder } from '../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { encodeVerifierKey } from '../../shared/trust/verifier-key.ts';
import { LOG, orderOf } from './enable-world.ts';
import { type FixtureOptions, ledgerFixture } from './ledger-fixture.ts';

export const GAP = {
  did: 'leave-a-gap',
  statement: 'no live database was reachable',
  owner: 'operations',
  route: 'a run with the DSN',
} as const;

export function ledgerOf(host: string, options: FixtureOptions = {}): VerifiedLedger {
  return ledgerFixture({ host, run: `run-${host}`, log: encodeVerifierKey(LOG), ...options }).read();
}

export function leafOf({ summary, head }: VerifiedLedger, epoch = 3): EvidenceLeaf {
  return { host: summary.host, run: summary.run, head: head.head, epoch };
}

/** A leaf whose ledger is not carried. */
export function bareLeaf(host: string): EvidenceLeaf {
  return { host, run: `run-${host}`, head: sha256(host), epoch: 3 };
}

/** The order that binds these leaves, for the release of the ledgers. */
export function orderFor(leaves: readonly EvidenceLeaf[], change: Partial<EnableOrder> = {}): EnableOrder {
  const root = new EvidenceTree(leaves).root().toString('hex');
  return orderOf({ treeDigest: sha256('tree'), evidence: { root, size: leaves.length }, ...change });
}

export function decisionOf(
  ledgers: readonly VerifiedLedger[],
  { bare = [], change = {}, epoch }: { bare?: readonly string[]; change?: Partial<EnableOrder>; epoch?: number } = {},
): EnableDecision {
  const leaves = [...ledgers.map((ledger) => leafOf(ledger, epoch)), ...bare.map(bareLeaf)];
  return enableDecision({ order: orderFor(leaves, change), leaves, ledgers });
}
