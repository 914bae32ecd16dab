/**
 * An enable order with the evidence that it is bound to, held against each other before anybody is shown either: what an
 * approver reads must be what the signature covers. Pure.
 *
 * 1. The leaves are those of the order: they make its Merkle root.
 * 2. A ledger is the one that the leaf of its host names, of the release and the tree of the order.
 * 3. All ledgers are of one signed release, so that what would run is the same everywhere.
 */
import { RejectedError, type RejectionCode } from '../../../shared/errors.ts';
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import type { EnableOrder } from '../../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { liveEntrypoints } from '../../../shared/orders/readiness.ts';
import type { Plan } from '../../../shared/release/plan.ts';

export interface DecisionHost {
  readonly leaf: EvidenceLeaf;
  /** Undefined where the evidence is not carried. */
  readonly ledger: VerifiedLedger | undefined;
}

declare const checked: unique symbol;

/** Only `enableDecision` makes one. */
export interface EnableDecision {
  readonly [checked]: true;
  readonly order: EnableOrder;
  /** Sorted by name. */
  readonly hosts: readonly DecisionHost[];
  /** Undefined where no evidence is carried at all. */
  readonly plan: Plan | undefined;
}

export interface DecisionMaterial {
  readonly order: EnableOrder;
  readonly leaves: readonly EvidenceLeaf[];
  /** Of some of the hosts, or of all. */
  readonly ledgers: readonly VerifiedLedger[];
}

/**
 * Errors: `evidence-not-in-order`, `evidence-differs`, `order-for-another-release`, `tree-differs`,
 * `evidence-of-two-releases`, `entrypoint-not-in-plan`.
 */
export function enableDecision({ order, leaves, ledgers }: DecisionMaterial): EnableDecision {
  const tree = checkLeaves(order, leaves);
  const byHost = new Map(ledgers.map((ledger) => [ledger.summary.host, ledger]));
  for (const ledger of ledgers) {
    checkLeafOf(ledger, tree);
    checkRelease(ledger, order);
  }
  checkOneRelease(ledgers);
  const plan = ledgers[0]?.plan;
  checkEntrypoints(order, plan);
  const hosts = tree.leaves.map((leaf) => ({ leaf, ledger: byHost.get(leaf.host) }));
  return { order, hosts, plan } as unknown as EnableDecision;
}

function checkLeaves({ evidence }: EnableOrder, leaves: readonly EvidenceLeaf[]): EvidenceTree {
  const isSet = leaves.length > 0 && new Set(leaves.map(({ host }) => host)).size === leaves.length;
  const tree = isSet ? new EvidenceTree(leaves) : undefined;
  if (tree?.size === evidence.size && tree.root().toString('hex') === evidence.root) return tree; // 1
  throw refused('evidence-not-in-order', `the order is bound to ${evidence.size} hosts, and not to these`);
}

function checkLeafOf({ summary, head }: VerifiedLedger, tree: EvidenceTree): void {
  const leaf = tree.proofFor(summary.host)?.leaf;
  if (!leaf) throw refused('evidence-not-in-order', `"${summary.host}" is not of the order`);
  if (leaf.run === summary.run && leaf.head === head.head) return; // 2
  throw refused(
    'evidence-differs',
    `the order is bound to head "${leaf.head}" of run "${leaf.run}" on "${leaf.host}", this is "${head.head}"`,
  );
}

function checkRelease({ summary, release }: VerifiedLedger, order: EnableOrder): void {
  const { app, version, treeDigest } = release.statement;
  if (app !== order.app || version !== order.version) {
    throw refused('order-for-another-release', `on "${summary.host}" stands "${app}@${version}"`);
  }
  if (treeDigest === order.treeDigest) return;
  throw refused('tree-differs', `it is for tree "${order.treeDigest}", on "${summary.host}" stands "${treeDigest}"`);
}

function checkOneRelease(ledgers: readonly VerifiedLedger[]): void {
  const [first, ...others] = ledgers;
  const other = others.find(({ release }) => release.statementDigest !== first?.release.statementDigest);
  if (!other) return; // 3
  const hosts = `"${first?.summary.host}" and "${other.summary.host}"`;
  throw refused('evidence-of-two-releases', `what ${hosts} have proven was signed as two releases`);
}

function checkEntrypoints({ entrypoints }: EnableOrder, plan: Plan | undefined): void {
  const live = plan && liveEntrypoints({ plan });
  const unknown = live && entrypoints.find((name) => !live.includes(name));
  if (unknown === undefined) return;
  throw refused('entrypoint-not-in-plan', `the signed plan has no live entrypoint "${unknown}"`);
}

function refused(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `refused to show the order: ${reason}`);
}
