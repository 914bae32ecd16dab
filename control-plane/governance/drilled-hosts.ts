/** Whom a drill is for. */
import { RejectedError } from '../../shared/errors.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import type { Addressee } from '../store/directives.ts';
import { admittedHost, listHosts } from '../store/hosts.ts';

/** Sorted by name; all that are connected where none is named. Errors: those of `admittedHost`; `drill-without-hosts`. */
export async function drilledHosts(
  { store, sessions }: Pick<OperatorContext, 'store' | 'sessions'>,
  names: readonly string[],
): Promise<Addressee[]> {
  const all = names.length > 0 ? names : (await listHosts(store)).map(({ name }) => name);
  const meant = [...new Set(all)].filter((name) => names.length > 0 || sessions.isConnected(name)).sort();
  if (meant.length === 0)
    throw new RejectedError('drill-without-hosts', 'failed to start the drill: no host is connected');
  const hosts = [];
  for (const host of meant) hosts.push({ host, incarnation: (await admittedHost(store, host)).incarnation });
  return hosts;
}
