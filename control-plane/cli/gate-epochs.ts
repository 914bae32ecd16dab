/** The epoch of an application's gate on hosts, as the hosts themselves signed it last. A host that never said anything is at 0. */
import { type Receipt, verifyReceipt } from '../../shared/orders/receipt.ts';
import type { OperatorClient } from './client.ts';
import type { Home } from './home.ts';
import { pinnedHostKey } from './host-keys.ts';

interface Asking {
  readonly client: OperatorClient;
  readonly home: Home;
  /** Of the hosts that are meant, as the control plane shows them. */
  readonly keys: ReadonlyMap<string, string>;
}

/** Errors: those of `lastAnswers`. What the control plane leaves out makes an order that its host refuses. */
export async function gateEpochs(app: string, asking: Asking): Promise<Map<string, number>> {
  return new Map([...(await lastAnswers(app, asking))].map(([host, { epoch }]) => [host, epoch]));
}

/** What each host signed last about that gate. Errors: those of `verifyReceipt` and `pinnedHostKey`. */
export async function lastAnswers(app: string, { client, home, keys }: Asking): Promise<Map<string, Receipt>> {
  const { gates } = await client.listGates({ app });
  const answers = new Map<string, Receipt>();
  for (const { host, receipt, order } of gates) {
    const shown = keys.get(host);
    if (shown === undefined) continue;
    const publicKey = pinnedHostKey(home.folder, { host, shown });
    const said = verifyReceipt(receipt, { host, publicKey, order });
    if (said.app === app) answers.set(host, said);
  }
  return answers;
}
