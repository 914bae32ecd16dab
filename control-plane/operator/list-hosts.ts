import type { Host, ListHostsResponse } from '../../shared/rpc/generated/messages.ts';
import { listHosts as allHosts, type HostRecord } from '../store/hosts.ts';
import { refusedReports } from '../store/refused-reports.ts';
import type { OperatorContext } from './operator-context.ts';

export async function listHosts(context: OperatorContext): Promise<ListHostsResponse> {
  const hosts = await allHosts(context.store);
  return { hosts: await Promise.all(hosts.map((host) => hostMessage(context, host))) };
}

/** What was heard in this process is newer than what stands in the store. */
async function hostMessage({ sessions, store }: OperatorContext, host: HostRecord): Promise<Host> {
  const presence = sessions.presence(host.name);
  const refused = await refusedReports(store, { host: host.name, incarnation: host.incarnation });
  return {
    name: host.name,
    enrolledAtMs: host.enrolled_at ?? 0,
    revokedAtMs: host.revoked_at ?? 0,
    isConnected: sessions.isConnected(host.name),
    lastSeenAtMs: presence?.lastSeenAt ?? host.last_seen_at ?? 0,
    clockAtMs: presence?.clockAt ?? host.clock_at ?? 0,
    agentVersion: presence?.agentVersion ?? host.agent_version ?? '',
    ledgerPublicKey: host.ledger_public_key ?? '',
    refusedReportCount: refused.count,
    lastReportRefusal: refused.lastCode ?? '',
  };
}
