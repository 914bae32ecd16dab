import { portKind } from '../../shared/ledger/kinds/port.ts';
import { listeningPorts } from '../install/listening-ports.ts';
import { paramsOf } from './check-params.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';

const MOST_ADDRESSES = 16;

/** Sees who listens on a port of this host, by the kernel's own tables: nothing is connected to. */
export async function observePort({ check }: CheckContext): Promise<CheckOutcome> {
  const { port, protocol } = paramsOf(portKind, check);
  const addresses = (await listeningPorts('/proc'))
    .map(({ address }) => address)
    .filter((address) => address.startsWith(`${protocol} `) && address.endsWith(`:${port}`));
  return observed({ port, protocol, listenerCount: addresses.length, addresses: addresses.slice(0, MOST_ADDRESSES) });
}
