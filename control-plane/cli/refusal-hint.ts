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
]);

/** Undefined where the code says enough, or is not known here. */
export function refusalHint(code: string): string | undefined {
  return HINTS.get(code);
}
