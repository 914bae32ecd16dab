/** `keyturn host list` and `keyturn host revoke`. */

import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

export async function listHosts(command: Command): Promise<void> {
  const { hosts } = await withControlPlane(command, 'viewer', ({ client }) => client.listHosts({}));
  outputOf(command).result({ hosts }, () =>
    listingLines(
      hosts.map((host) => [host.name, stateOf(host), host.agentVersion, instant(host.lastSeenAtMs)]),
      'no hosts',
    ),
  );
}

export async function revokeHost(text: string, command: Command): Promise<void> {
  const host = parseHostName(text);
  await withControlPlane(command, 'operator', ({ client }) => client.revokeHost({ host }));
  outputOf(command).result({ host, revoked: true }, () => [`${host} is revoked`]);
}

function stateOf(host: { revokedAtMs: number; enrolledAtMs: number; isConnected: boolean }): string {
  if (host.revokedAtMs > 0) return 'revoked';
  if (host.enrolledAtMs === 0) return 'not enrolled';
  return host.isConnected ? 'connected' : 'disconnected';
}

function instant(atMs: number): string {
  return atMs === 0 ? 'never seen' : new Date(atMs).toISOString();
}
