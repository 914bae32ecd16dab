import type { ListGatesRequest, ListGatesResponse } from '../../shared/rpc/generated/messages.ts';
import { listHosts } from '../store/hosts.ts';
import { gatesOf } from '../store/orders.ts';
import type { OperatorContext } from './operator-context.ts';

/** What hosts said in an earlier life is left out: a new one begins with a journal that never heard of it. */
export async function listGates({ store }: OperatorContext, { app }: ListGatesRequest): Promise<ListGatesResponse> {
  const incarnations = new Map((await listHosts(store)).map(({ name, incarnation }) => [name, incarnation]));
  const gates = (await gatesOf(store, app)).filter((row) => row.incarnation === incarnations.get(row.host));
  return { gates: gates.map(({ host, receipt, document }) => ({ host, receipt, order: document })) };
}
