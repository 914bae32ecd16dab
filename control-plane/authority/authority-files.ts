/** The CA on disk: `ca.pem`, and `ca-key.pem` readable by its owner alone. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

import { RejectedError } from '../../shared/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { CertificateAuthority, KEY_ALGORITHM, privateKeyPem, randomSerial } from './certificate-authority.ts';

const CA_YEARS = 10;

/** Makes a new CA in the folder. Errors: `RejectedError('authority-exists')`: a second one would orphan every host. */
export async function createAuthority(folder: string, clock: Clock): Promise<CertificateAuthority> {
  const { certificatePath, keyPath } = pathsIn(folder);
  if (existsSync(certificatePath)) {
    throw new RejectedError('authority-exists', `failed to create an authority in "${folder}": there is one already`);
  }
  makeDirectory(folder, { mode: 0o700 });
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await selfSigned(keys, clock.now());
  writeFileAtomic(keyPath, await privateKeyPem(keys.privateKey), { mode: 0o600 });
  // Last, because its presence says that the authority is whole.
  writeFileAtomic(certificatePath, certificate.toString('pem'));
  return new CertificateAuthority(certificate, keys.privateKey, clock);
}

/** Opens the CA in the folder. Errors: `RejectedError('authority-missing')`. */
export async function openAuthority(folder: string, clock: Clock): Promise<CertificateAuthority> {
  const { certificatePath, keyPath } = pathsIn(folder);
  if (!existsSync(certificatePath)) {
    throw new RejectedError('authority-missing', `failed to open the authority in "${folder}": there is none`, {
      hint: 'make one with: keyturn init',
    });
  }
  const certificate = new x509.X509Certificate(readFileSync(certificatePath, 'utf8'));
  const pkcs8 = x509.PemConverter.decodeFirst(readFileSync(keyPath, 'utf8'));
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, KEY_ALGORITHM, false, ['sign']);
  return new CertificateAuthority(certificate, key, clock);
}

async function selfSigned(keys: webcrypto.CryptoKeyPair, now: number): Promise<x509.X509Certificate> {
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + CA_YEARS);
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: ['Keyturn control plane'] }],
    notBefore: new Date(now),
    notAfter,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

function pathsIn(folder: string): { certificatePath: string; keyPath: string } {
  return { certificatePath: join(folder, 'ca.pem'), keyPath: join(folder, 'ca-key.pem') };
}
