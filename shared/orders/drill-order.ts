/**
 * Enable orders that approvers sign to be refused. Each is right in all but one thing, and that thing can never become right:
 * whoever holds the signed order holds nothing.
 */
import { sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { DRILL_APP, PREPARED_ROWS, type PreparedRowName } from './drill.ts';
import { type EnableOrder, encodeEnableOrder } from './enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from './evidence-leaf.ts';

const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const SHORTEST_LEASE_MS = 1_000;
/** Nobody who signs will see it, and the evidence will not stand so long. */
const NEVER_MS = Date.parse('9998-01-01T00:00:00.000Z');

export interface DrillOrdersAbout extends Pick<EnableOrder, 'app' | 'version' | 'treeDigest' | 'entrypoints'> {
  /** Of the hosts that will be drilled, as they stand. */
  readonly leaves: readonly EvidenceLeaf[];
  readonly nowMs: number;
  /** 32 hexadecimal digits, another each time. */
  readonly nonce: () => string;
}

export interface DrillOrder {
  readonly row: PreparedRowName;
  readonly payload: Buffer;
  /** What it is bound to, sorted by host. */
  readonly leaves: readonly EvidenceLeaf[];
}

export function drillOrders(about: DrillOrdersAbout): DrillOrder[] {
  return PREPARED_ROWS.map((row) => drillOrder(row, about));
}

/** What a drill order of that row is bound to, given what a true order would be bound to. */
export function drillLeaf(row: PreparedRowName, leaf: EvidenceLeaf): EvidenceLeaf {
  switch (row) {
    case 'expired':
    case 'not-yet-valid':
      return leaf;
    case 'earlier-epoch':
      // A gate that was never killed has no earlier epoch: the last that there can be is as wrong, and never comes.
      return { ...leaf, epoch: leaf.epoch === 0 ? Number.MAX_SAFE_INTEGER : leaf.epoch - 1 };
    case 'wrong-host':
      return { ...leaf, host: `${DRILL_APP}/${leaf.host}` };
    case 'wrong-evidence':
      return { ...leaf, head: sha256(`${DRILL_APP} ${leaf.host}`) };
  }
}

/**
 * Checks that an order which somebody calls a drill order can open nothing, on whatever host; `leaves` is what true orders for its
 * hosts would be bound to. Returns what it is bound to. Errors: `drill-order-malformed`.
 */
export function checkDrillOrder(
  row: PreparedRowName,
  order: EnableOrder,
  { leaves, nowMs }: { leaves: readonly EvidenceLeaf[]; nowMs: number },
): EvidenceTree {
  const tree = new EvidenceTree(leaves.map((leaf) => drillLeaf(row, leaf)));
  if (order.evidence.size !== tree.size || order.evidence.root !== tree.root().toString('hex')) {
    throw malformed(`"${row}" is not bound to what it has to be bound to`);
  }
  // The one row that needs an open window is bound to an epoch that will not come.
  if (row !== 'earlier-epoch' && !isDeadByWindow(order, nowMs)) throw malformed(`the window of "${row}" is not over`);
  if (order.app === DRILL_APP) throw malformed(`nothing of "${DRILL_APP}" ever stands on a host`);
  return tree;
}

function isDeadByWindow({ expiresMs, notBeforeMs }: EnableOrder, nowMs: number): boolean {
  return nowMs >= expiresMs || notBeforeMs >= NEVER_MS;
}

function malformed(reason: string): RejectedError {
  return new RejectedError('drill-order-malformed', `failed to read drill orders: ${reason}`);
}

function drillOrder(row: PreparedRowName, about: DrillOrdersAbout): DrillOrder {
  const { app, version, treeDigest, entrypoints, nowMs, nonce } = about;
  const tree = new EvidenceTree(about.leaves.map((leaf) => drillLeaf(row, leaf)));
  const payload = encodeEnableOrder({
    ...{ app, version, treeDigest, entrypoints, nonce: nonce(), leaseMs: SHORTEST_LEASE_MS },
    ...windowOf(row, nowMs),
    reason: `refusal drill: ${row}; to be refused by every host`,
    evidence: { root: tree.root().toString('hex'), size: tree.size },
  });
  return { row, payload, leaves: tree.leaves };
}

/** Over before it was signed, but where the window has to be good to be asked for what comes after it. */
function windowOf(row: PreparedRowName, nowMs: number): Pick<EnableOrder, 'issuedAtMs' | 'notBeforeMs' | 'expiresMs'> {
  const issuedAtMs = nowMs - 2 * HOUR_MS;
  if (row === 'not-yet-valid') return { issuedAtMs, notBeforeMs: NEVER_MS, expiresMs: NEVER_MS + 1_000 };
  if (row === 'earlier-epoch') return { issuedAtMs, notBeforeMs: issuedAtMs, expiresMs: nowMs + YEAR_MS };
  return { issuedAtMs, notBeforeMs: issuedAtMs, expiresMs: nowMs - HOUR_MS };
}
