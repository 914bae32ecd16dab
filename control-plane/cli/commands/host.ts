/** `keyturn host`: token, list, revoke. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encodeEnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import { HOST_PATTERN } from '../../../shared/rpc/peer-identity.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { outputOf } from '../output.ts';
import { refreshHome } from '../publication.ts';

const MINUTE_MS = 60_000;

export function addHost(program: Command): void {
  const host = program.command('host').description('enrol, list and revoke hosts');
  host
    .command('token <host>')
    .description('write the enrolment bundle of a host: a single-use token, the CA, and the trust root pinned here')
    .option('--join <host:port>', 'the join listener as the host will reach it', '127.0.0.1:7444')
    .option('--gateway <host:port>', 'the gateway as the host will reach it', '127.0.0.1:7443')
    .option('--minutes <n>', 'how long the token can be used', parseMinutes, 60)
    .option('--out <file>', 'where the bundle goes; <host>.enrolment unless said')
    .action(async (name: string, _options, command: Command) => writeBundle(name, command));
  host
    .command('list')
    .description('hosts, connected or not')
    .action(async (_options, command: Command) => listHosts(command));
  host
    .command('revoke <host>')
    .description('end the session of a host at once and refuse it from now on')
    .action(async (name: string, _options, command: Command) => {
      await withControlPlane(command, 'operator', ({ client }) => client.revokeHost({ host: name }));
      outputOf(command).result({ host: name, revoked: true }, () => [`${name} is revoked`]);
    });
}

async function writeBundle(name: string, command: Command): Promise<void> {
  const { join, gateway, minutes, out } = command.optsWithGlobals();
  if (!HOST_PATTERN.test(name)) throw new UsageError(`host "${name}": expected a DNS name in lower case`);
  const path = resolve(out ?? `${name}.enrolment`);
  const made = await withControlPlane(command, 'operator', async (publisher) => {
    const trusted = await refreshHome(publisher);
    const token = await publisher.client.createJoinToken({ host: name, lifetimeMs: minutes * MINUTE_MS });
    return { trusted, token };
  });
  const bundle = encodeEnrolmentBundle({
    schema: 'keyturn.enrolment/v1',
    host: name,
    addresses: { join, gateway },
    caCertificate: made.token.caCertificate,
    token: made.token.token,
    trust: Object.fromEntries([...made.trusted].map(([file, bytes]) => [file, Buffer.from(bytes)])),
  });
  writeFileAtomic(path, bundle, { mode: 0o600 });
  const expiresAt = new Date(made.token.expiresAtMs).toISOString();
  outputOf(command).result({ host: name, bundle: path, expiresAt }, () => [
    `${path}  (a secret; once, until ${expiresAt})`,
    `next, on ${name}: keyturn-agent enrol ${name}.enrolment --install-root PATH`,
  ]);
}

async function listHosts(command: Command): Promise<void> {
  const { hosts } = await withControlPlane(command, 'viewer', ({ client }) => client.listHosts({}));
  outputOf(command).result({ hosts }, () =>
    hosts.length === 0
      ? ['no hosts']
      : hosts.map(
          (host) =>
            `${host.name.padEnd(24)} ${stateOf(host).padEnd(14)} ${host.agentVersion.padEnd(8)} ${instant(host.lastSeenAtMs)}`,
        ),
  );
}

function stateOf(host: { revokedAtMs: number; enrolledAtMs: number; isConnected: boolean }): string {
  if (host.revokedAtMs > 0) return 'revoked';
  if (host.enrolledAtMs === 0) return 'not enrolled';
  return host.isConnected ? 'connected' : 'disconnected';
}

function instant(atMs: number): string {
  return atMs === 0 ? 'never seen' : new Date(atMs).toISOString();
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 7 * 24 * 60) return minutes;
  throw new UsageError(`--minutes "${text}": expected a whole number from 1 to 10080`);
}
