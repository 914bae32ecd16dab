/**
 * Who this host is: its TLS key with its certificate, the CA of its control plane, and the key that signs its ledgers.
 * Made on the host, readable by its owner alone, never sent anywhere.
 *
 * 1. A TLS key and its certificate stand in one file, so a crash never leaves one without the other.
 * 2. Only enrolment makes a ledger key. A host whose key is gone does not sign on with another one: its ledgers would be
 *    of two hands, and nobody would have been asked. // P3
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

  /** Errors: `RejectedError` with `not-enrolled` or `identity-damaged`. */
  loadTls(): HostTlsIdentity {
    if (!existsSync(this.#tlsPath)) {
      throw new RejectedError('not-enrolled', `failed to load the identity in "${this.#folder}": there is none`, {
        hint: 'enrol this host with: keyturn-agent enrol BUNDLE',
      });
    }
    return {
      caCertificate: blockIn(this.#caPath, 'CERTIFICATE'),
      certificate: blockIn(this.#tlsPath, 'CERTIFICATE'),
      privateKey: blockIn(this.#tlsPath, 'PRIVATE KEY'),
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

  /** The key that signs ledgers. Errors: `RejectedError('ledger-key-missing')`, and those of `loadKey`. */
  openLedgerKey(): SigningKey {
    if (existsSync(this.#ledgerKeyPath)) return loadKey(this.#ledgerKeyPath);
    throw new RejectedError('ledger-key-missing', `failed to load "${this.#ledgerKeyPath}": there is no such file`, {
      hint: 'put it back from a copy; without it, enrol this host anew into an empty state folder',
    });
  }

  /** For enrolment alone: the key that signs ledgers, made where none is. It stays for as long as the journal does. */
  makeLedgerKey(): SigningKey {
    if (existsSync(this.#ledgerKeyPath)) return loadKey(this.#ledgerKeyPath);
    makeDirectory(this.#folder, { mode: 0o700 });
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

function blockIn(path: string, label: string): string {
  const blocks = existsSync(path) ? [...readFileSync(path, 'utf8').matchAll(PEM_BLOCK)] : [];
  const block = blocks.find(([, found]) => found === label)?.[0];
  if (block !== undefined) return block;
  throw new RejectedError('identity-damaged', `failed to load "${path}": expected a ${label} in PEM, got none`, {
    hint: 'enrol this host again with: keyturn-agent enrol BUNDLE',
  });
}

export function lifeOf(certificate: string): CertificateLife {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return { issuedAt: Date.parse(validFrom), expiresAt: Date.parse(validTo) };
}
