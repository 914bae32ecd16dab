/**
 * The folder that `keyturn init` fills: one sub-folder for each place that something belongs to, so that a key ceremony
 * ends with carrying folders to where they belong.
 *
 *   keys/root, keys/targets     offline: who the others are, policy, delegations
 *   keys/release-<app>          release engineers
 *   keys/snapshot               the release machine
 *   keys/approvers              one file for each approver
 *   operators/<role>.json       a client certificate and its key for each role
 *   trust/                      the trust metadata that this machine has verified; `root.json` is its pin
 *   approved-before/            what each key last approved here, to say what is new when it is asked again
 *   policy.json                 what `keyturn policy sign` signs
 *   control-plane/              everything that `keyturn serve` needs, and nothing else
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { makeDirectory, removeTree, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { loadKey, type SigningKey, saveKey } from '../../shared/trust/keys.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';

/** In the control plane's folder: what it publishes when nothing is published yet. */
export const FIRST_PUBLICATION = 'first-publication';

const OPERATOR_MEMBERS = ['address', 'caCertificate', 'certificate', 'privateKey'] as const;
/** A client certificate with its key, the CA that it trusts, all PEM, and where to dial, as `host:port`. */
export type OperatorFile = Readonly<Record<(typeof OPERATOR_MEMBERS)[number], string>>;

export class Home {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  get policyPath(): string {
    return join(this.folder, 'policy.json');
  }

  get controlPlane(): string {
    return join(this.folder, 'control-plane');
  }

  /** Errors: `TransientError` when this user may not look. */
  exists(): boolean {
    try {
      return statSync(join(this.folder, 'trust', 'root.json')).isFile();
    } catch (cause) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(cause) ?? '')) return false;
      throw new TransientError(`failed to look into "${this.folder}"`, {
        cause,
        hint: 'run this as its owner, or name another folder with --home',
      });
    }
  }

  /** Throws `RejectedError('home-missing')` where no ceremony was held, `TransientError` as `exists`. */
  assertExists(): void {
    if (this.exists()) return;
    throw new RejectedError('home-missing', `failed to open "${this.folder}": there is no trust/root.json in it`, {
      hint: 'hold a ceremony with `keyturn init`, or name the folder with --home',
    });
  }

  saveKey(
    role: string,
    { name, key, passphrase }: { name: string; key: SigningKey; passphrase: string | undefined },
  ): void {
    const folder = join(this.folder, 'keys', role);
    makeDirectory(folder, { mode: 0o700 });
    saveKey(join(folder, `${name}.pem`), key, passphrase);
  }

  /**
   * Writes new keys of a role, calls `publish`, and removes the older key files, which count for nothing once that has
   * succeeded; gives what it gave. The new ones are on disk before anybody may learn of them: a role whose keys are lost
   * is lost. Where the control plane refuses, they are removed again; where it does not answer, both stay, and either
   * may count.
   */
  async replaceKeys<T>(
    role: string,
    { keys, passphrase }: { keys: readonly SigningKey[]; passphrase: string | undefined },
    publish: () => Promise<T>,
  ): Promise<T> {
    const old = this.#keyFiles(role);
    for (const key of keys) this.saveNewKey(role, { key, passphrase });
    const published = await publish().catch((error) => {
      if (error instanceof RejectedError) this.#removeKeyFiles(role, keys.map(newKeyFile));
      throw error;
    });
    this.#removeKeyFiles(role, old);
    return published;
  }

  /** Under a name that no other key has. */
  saveNewKey(role: string, { key, passphrase }: { key: SigningKey; passphrase: string | undefined }): void {
    this.saveKey(role, { name: nameOfNewKey(key), key, passphrase });
  }

  /** The file that `saveNewKey` wrote. */
  removeNewKey(role: string, key: SigningKey): void {
    this.#removeKeyFiles(role, [newKeyFile(key)]);
  }

  hasKeys(role: string): boolean {
    return this.#keyFiles(role).length > 0;
  }

  /** All keys of a role that are on this machine, sorted by file name. Errors: those of `loadKey`; `role-keys-missing`. */
  loadKeys(role: string, passphrase: string | undefined): SigningKey[] {
    const folder = join(this.folder, 'keys', role);
    const files = this.#keyFiles(role);
    if (files.length === 0) {
      throw new RejectedError('role-keys-missing', `failed to load the ${role} keys: there is none in "${folder}"`, {
        hint: 'run this command on the machine that holds them, or name the folder with --home',
      });
    }
    return files.map((file) => loadKey(join(folder, file), passphrase));
  }

  /** What a client of that role dials with. */
  saveOperator(role: Role, operator: OperatorFile): void {
    makeDirectory(join(this.folder, 'operators'), { mode: 0o700 });
    saveOperatorFile(this.operatorPath(role), operator);
  }

  operatorPath(role: Role): string {
    return join(this.folder, 'operators', `${role}.json`);
  }

  hasOperator(role: Role): boolean {
    return existsSync(this.operatorPath(role));
  }

  /**
   * Errors: `RejectedError` with `operator-certificate-missing`, `operator-certificate-malformed`,
   * `operator-file-open-to-others`.
   */
  loadOperator(role: Role): OperatorFile {
    const path = this.operatorPath(role);
    if (!existsSync(path)) {
      throw new RejectedError(
        'operator-certificate-missing',
        `failed to load "${path}": expected the client certificate of a ${role}, there is no such file`,
        {
          hint: `whoever runs the control plane issues one with \`keyturn operator issue NAME --role ${role}\`; or name another folder with --home`,
        },
      );
    }
    checkPrivateToOwner(path);
    return parseOperator(path);
  }

  loadTrust(): Map<string, Uint8Array> {
    const folder = join(this.folder, 'trust');
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
    return new Map(files.map((file) => [file, readFileSync(join(folder, file))]));
  }

  saveTrust(trusted: TrustedMetadata): void {
    const folder = join(this.folder, 'trust');
    makeDirectory(folder);
    for (const [file, bytes] of trusted) writeFileAtomic(join(folder, file), bytes);
  }

  /** Sorted by name. */
  #keyFiles(role: string): string[] {
    const folder = join(this.folder, 'keys', role);
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files.filter((file) => file.endsWith('.pem')).sort();
  }

  #removeKeyFiles(role: string, files: readonly string[]): void {
    for (const file of files) removeTree(join(this.folder, 'keys', role, file));
  }
}

/** Readable by its owner alone; what stood at `path` is replaced. */
export function saveOperatorFile(path: string, operator: OperatorFile): void {
  writeFileAtomic(path, `${JSON.stringify(operator, null, 2)}\n`, { mode: 0o600 });
}

function nameOfNewKey({ keyId }: SigningKey): string {
  return keyId.slice(0, 16);
}

function newKeyFile(key: SigningKey): string {
  return `${nameOfNewKey(key)}.pem`;
}

function parseOperator(path: string): OperatorFile {
  try {
    return operatorOf(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RejectedError(
      'operator-certificate-malformed',
      `failed to load "${path}": expected address, certificate, privateKey and caCertificate as JSON`,
      { cause, hint: 'get a new one from whoever runs the control plane: keyturn operator issue' },
    );
  }
}

/** By hand: every command with a connection would wait for a library of schemas. */
function operatorOf(value: unknown): OperatorFile {
  const members = Object.entries(value ?? {});
  const names = members.map(([name]) => name).sort();
  if (names.join() === OPERATOR_MEMBERS.join() && members.every(([, text]) => typeof text === 'string'))
    return value as OperatorFile;
  throw new TypeError(`expected ${OPERATOR_MEMBERS.join(', ')}, each a string`);
}

/** A client certificate's key is in it. */
function checkPrivateToOwner(path: string): void {
  const mode = statSync(path).mode & 0o777;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new RejectedError(
    'operator-file-open-to-others',
    `failed to load "${path}": expected mode 0600, got 0${mode.toString(8)}`,
    { hint: `chmod 600 ${path}` },
  );
}
