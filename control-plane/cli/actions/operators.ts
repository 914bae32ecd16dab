/** `keyturn operator list` and `keyturn operator revoke`. */

import type { Command } from 'commander';
import type { OperatorCertificate } from '../../../shared/rpc/generated/messages.ts';
import { OPERATOR_PATTERN } from '../../../shared/rpc/peer-identity.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { withControlPlane } from '../connection.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';

export async function listOperators(command: Command): Promise<void> {
  const { certificates } = await withControlPlane(command, 'viewer', ({ client }) => client.listOperators({}));
  const now = Date.now();
  outputOf(command).result({ certificates }, () =>
    listingLines(
      certificates.map((certificate) => [
        certificate.name,
        certificate.role,
        stateOf(certificate, now),
        certificate.serial,
      ]),
      'no certificates',
    ),
  );
}

export async function revokeOperator(text: string, command: Command): Promise<void> {
  const name = parseOperatorName(text);
  const { serial = '' } = command.opts<{ serial?: string }>();
  const { revoked } = await withControlPlane(command, 'operator', ({ client }) =>
    client.revokeOperator({ name, serial: serial.toUpperCase() }),
  );
  outputOf(command).result({ name, revoked }, () => [
    revoked.length === 0 ? `${name} was revoked before` : `${name} is revoked: ${revoked.join(', ')}`,
  ]);
}

function stateOf({ revokedAtMs, expiresAtMs }: OperatorCertificate, now: number): string {
  if (revokedAtMs > 0) return `revoked ${instant(revokedAtMs)}`;
  return `${expiresAtMs <= now ? 'expired' : 'until'} ${instant(expiresAtMs)}`;
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}

function parseOperatorName(text: string): string {
  if (OPERATOR_PATTERN.test(text)) return text;
  throw new UsageError(
    `operator "${text}": expected letters in lower case, digits, dots, hyphens and underscores`,
    'see what there is with: keyturn operator list',
  );
}
