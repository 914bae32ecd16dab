/** `keyturn host token`. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encodeEnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import { assertOutputFile } from '../output-file.ts';
import { refreshHome } from '../publication.ts';

const MINUTE_MS = 60_000;

export async function writeEnrolmentBundle(text: string, command: Command): Promise<void> {
  const host = parseHostName(text);
  const { join, gateway, minutes, out } = command.optsWithGlobals();
  const path = resolve(out ?? `${host}.enrolment`);
  assertOutputFile(path, 'enrolment bundle');
  const made = await withControlPlane(command, 'operator', async (publisher) => {
    const { trusted } = await refreshHome(publisher);
    const token = await publisher.client.createJoinToken({ host, lifetimeMs: minutes * MINUTE_MS });
    return { trusted, token };
  });
  const bundle = encodeEnrolmentBundle({
    schema: 'keyturn.enrolment/v1',
    host,
    addresses: { join, gateway },
    caCertificate: made.token.caCertificate,
    token: made.token.token,
    trust: Object.fromEntries([...made.trusted].map(([file, bytes]) => [file, Buffer.from(bytes)])),
  });
  writeFileAtomic(path, bundle, { mode: 0o600 });
  const expiresAt = new Date(made.token.expiresAtMs).toISOString();
  outputOf(command).result({ host, bundle: path, expiresAt }, () => [
    `${path}  (a secret; once, until ${expiresAt})`,
    `next, on ${host}: keyturn-agent enrol ${host}.enrolment --install-root PATH`,
  ]);
}
