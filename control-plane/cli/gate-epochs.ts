/** The epoch of an application's gate on hosts, as the hosts themselves signed it last. A host that never said anything is at 0. */
import { verifyReceipt } from '../../shared/orders/receipt.ts';
import type { OperatorClient } from './client.ts';
import type { Home } from './home.ts';
import { pinnedHostKey } from './host-keys.ts';

/** Errors: those of `verifyReceipt` and `pinnedHostKey`. What the control plane leaves out makes an order that its host refuses. */
export async function gateEpochs(
  app: string,
  { client, home, keys }: { client: OperatorClient; home: Home; keys: ReadonlyMap<string, string> },
): Promise<Map<string, number>> {
  const { gates } = await client.listGates({ app });
  const epochs = new Map<string, number>();
  for (const { host, receipt, order } of gates) {
    const shown = keys.get(host);
    if (shown === undefined) continue;
    const publicKey = pinnedHostKey(home.folder, { host, shown });
    const said = verifyReceipt(receipt, { host, publicKey, order });
    if (said.app === app) epochs.set(host, said.epoch);
  }
  return epochs;
}
