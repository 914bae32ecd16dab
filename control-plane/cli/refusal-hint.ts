/** What to do where a host refused an order for a reason that lies outside of the order. */

const HINTS: ReadonlyMap<string, string> = new Map([
  [
    'metadata-expired',
    'something that the host trusts has expired: `keyturn doctor` names it and the command that renews it; then order it again',
  ],
  [
    'timestamp-outlives-policy',
    "compare the clocks of the host and of the control plane, set right the wrong one, and order again; if they agree, somebody else may hold the control plane's key",
  ],
  [
    'order-of-another-epoch',
    'the gate was killed after the order was put together; a new one: `keyturn enable request`',
  ],
  [
    'evidence-differs',
    'the run has gone on since the order or ruling was put together: put it together anew and sign that',
  ],
  ['order-replayed', 'an order opens a gate once; a new one: `keyturn enable request`'],
  ['metadata-not-fresh', 'the host has not heard from the control plane for too long: is `keyturn serve` running?'],
  ['kill-file-present', "somebody made the file KILL in the agent's folder: it has to be removed there first"],
  ['gate-closed', 'see why with `keyturn-agent status` on the host; an order opens it: `keyturn enable request`'],
  ['entrypoint-not-enabled', 'the order that opened the gate names others: `keyturn enable request --entrypoint NAME`'],
  ['quorum-not-met', 'more people have to sign: `keyturn approve REQUEST --key FILE`, then send it again'],
]);

/** Undefined where the code says enough, or is not known here. */
export function refusalHint(code: string): string | undefined {
  return HINTS.get(code);
}
