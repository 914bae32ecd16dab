/**
 * Who this host is: its TLS key with its certificate, the CA of its control plane, and the key that signs its ledgers.
 * Made on the host, readable by its owner alone, never sent anywhere.
 *
 * 1. A TLS key and its certificate stand in one file, so a crash never leaves one without the other.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { RejectedError } from '../../shared/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { generateKey, loadKey, type SigningKey, saveKey } from '../../shared/trust/keys.ts';

const SECRET = { mode: 0o600 };
const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----\n?/g;

/** All in PEM. */
export interface HostTlsIdentity {
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateLife {
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export class IdentityStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Errors: `RejectedError('not-enrolled')`. */
  loadTls(): HostTlsIdentity {
    if (!existsSync(this.#tlsPath)) {
      throw new RejectedError('not-enrolled', `failed to load the identity in "${this.#folder}": there is none`, {
        hint: 'enrol this host with: keyturn-agent enrol BUNDLE',
      });
    }
    const blocks = [...readFileSync(this.#tlsPath, 'utf8').matchAll(PEM_BLOCK)];
    const blockOf = (label: string): string => blocks.find(([, found]) => found === label)?.[0] ?? '';
    return {
      caCertificate: readFileSync(this.#caPath, 'utf8'),
      certificate: blockOf('CERTIFICATE'),
      privateKey: blockOf('PRIVATE KEY'),
    };
  }

  /** Replaces key and certificate together; the next dial uses them. */
  saveTls({ certificate, privateKey }: Omit<HostTlsIdentity, 'caCertificate'>): void {
    writeFileAtomic(this.#tlsPath, `${privateKey.trimEnd()}\n${certificate.trimEnd()}\n`, SECRET);
  }

  saveCa(caCertificate: string): void {
    makeDirectory(this.#folder, { mode: 0o700 });
    writeFileAtomic(this.#caPath, caCertificate, SECRET);
  }

  /** The key that signs ledgers, made when it is missing. It stays for as long as the journal does. */
  openLedgerKey(): SigningKey {
    makeDirectory(this.#folder, { mode: 0o700 });
    if (existsSync(this.#ledgerKeyPath)) return loadKey(this.#ledgerKeyPath);
    const key = generateKey();
    saveKey(this.#ledgerKeyPath, key, undefined);
    return key;
  }

  get #tlsPath(): string {
    return join(this.#folder, 'tls.pem');
  }

  get #caPath(): string {
    return join(this.#folder, 'ca.pem');
  }

  get #ledgerKeyPath(): string {
    return join(this.#folder, 'ledger-key.pem');
  }
}

export function lifeOf(certificate: string): CertificateLife {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return { issuedAt: Date.parse(validFrom), expiresAt: Date.parse(validTo) };
}
