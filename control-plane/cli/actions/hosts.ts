/** `keyturn host list` and `keyturn host revoke`. */

import type { Command } from 'commander';
import type { Host } from '../../../shared/rpc/generated/messages.ts';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

export async function listHosts(command: Command): Promise<void> {
  const { hosts } = await withControlPlane(command, 'viewer', ({ client }) => client.listHosts({}));
  outputOf(command).result({ hosts }, () =>
    listingLines(
      hosts.map((host) => [host.name, stateOf(host), host.agentVersion, instant(host.lastSeenAtMs), troubleOf(host)]),
      'no hosts',
    ),
  );
}

export async function revokeHost(text: string, command: Command): Promise<void> {
  const host = parseHostName(text);
  await withControlPlane(command, 'operator', ({ client }) => client.revokeHost({ host }));
  outputOf(command).result({ host, revoked: true }, () => [`${host} is revoked`]);
}

function stateOf(host: Host): string {
  if (host.revokedAtMs > 0) return 'revoked';
  if (host.enrolledAtMs === 0) return 'not enrolled';
  return host.isConnected ? 'connected' : 'disconnected';
}

/** What a host reported and the control plane could not believe: it is kept there, and somebody should look. */
function troubleOf({ refusedReportCount: count, lastReportRefusal: code }: Host): string {
  if (count === 0) return '';
  return `${count} ${count === 1 ? 'report' : 'reports'} refused, last: ${code}`;
}

function instant(atMs: number): string {
  return atMs === 0 ? 'never seen' : new Date(atMs).toISOString();
}
