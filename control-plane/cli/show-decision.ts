/** A decision as whoever is to sign it reads it: from the very bytes that are signed, and from evidence that is verified here. */
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { DecisionRequest } from '../../shared/orders/decision-request.ts';
import { previewEnableOrder } from '../../shared/orders/enable-order.ts';
import { previewKillOrder } from '../../shared/orders/kill-order.ts';
import { previewRuling } from '../../shared/orders/ruling.ts';
import type { Policy } from '../../shared/trust/policy.ts';
import { type ApprovalRecord, approvalRecordOf } from './decision-text/approval-record.ts';
import { enableDecision } from './decision-text/enable-decision.ts';
import { enableLines } from './decision-text/enable-lines.ts';
import { killLines } from './decision-text/kill-lines.ts';
import { rulingLines } from './decision-text/ruling-lines.ts';
import type { Home } from './home.ts';
import { pinnedHostKey } from './host-keys.ts';

export interface ShownDecision {
  readonly lines: readonly string[];
  /** Of an enable order: for the next approval to be compared with. */
  readonly record: ApprovalRecord | undefined;
  /** That the carried evidence was judged by; undefined where none is carried. */
  readonly policy: Policy | undefined;
}

/** Errors: those of what is shown: `order-malformed`, `ruling-malformed`, `host-key-changed`, and of `readLedgerBundle`. */
export function showDecision(request: DecisionRequest, home: Home): ShownDecision {
  const { kind, payload, leaves } = request;
  switch (kind) {
    case 'enable': {
      const ledgers = carriedLedgers(request, home);
      const decision = enableDecision({ order: previewEnableOrder(payload), leaves, ledgers });
      const nowMs = Date.now();
      const record = approvalRecordOf(decision, nowMs);
      return { lines: enableLines(decision, nowMs), record, policy: ledgers[0]?.policy };
    }
    case 'ruling':
      return { lines: rulingLines(previewRuling(payload)), record: undefined, policy: undefined };
    case 'kill':
      return { lines: killLines(previewKillOrder(payload)), record: undefined, policy: undefined };
  }
}

/** Verified here with the keys that this machine knows the hosts by: what the file says of itself counts for nothing. */
function carriedLedgers({ bundles }: DecisionRequest, home: Home): VerifiedLedger[] {
  return bundles.map(({ host, bundle }) => {
    const hostPublicKey = pinnedHostKey(home.folder, { host, shown: bundle.hostPublicKey });
    return readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
  });
}
