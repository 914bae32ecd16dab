/** A small CA with one certificate for a server and one for a client (P-256), for peers that speak TLS. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { PEER_PROGRAMS, requirePeers } from './packages.ts';

/** Leaves `ca.crt`, `server.crt`, `server.key`, `client.crt`, `client.key` in the folder. */
export async function makeCertificates(folder: string): Promise<string> {
  requirePeers(['openssl']);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (file: string) => join(folder, file);
  const openssl = (argv: readonly string[]) =>
    runCommand([PEER_PROGRAMS.openssl.command, ...argv], { env: plainEnvironment(folder) });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl([
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=bench',
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
  ]);
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    const [key, request, certificate] = [path(`${name}.key`), path(`${name}.csr`), path(`${name}.crt`)];
    await openssl(['req', '-new', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request]);
    const signedBy = ['-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', '2'];
    await openssl(['x509', '-req', '-in', request, ...signedBy, '-extfile', path('names'), '-out', certificate]);
  }
  return folder;
}
