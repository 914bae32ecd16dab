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
 *   policy.json                 what `keyturn policy sign` signs
 *   control-plane/              everything that `keyturn serve` needs, and nothing else
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RejectedError } from '../../shared/errors.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { makeDirectory, removeTree, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { loadKey, type SigningKey, saveKey } from '../../shared/trust/keys.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';

/** In the control plane's folder: what it publishes when nothing is published yet. */
export const FIRST_PUBLICATION = 'first-publication';

const operatorSchema = z.strictObject({
  /** `host:port` of the control plane. */
  address: z.string(),
  certificate: z.string(),
  privateKey: z.string(),
  caCertificate: z.string(),
});
/** A client certificate with its key and where to dial, all PEM. */
export type OperatorFile = z.infer<typeof operatorSchema>;

export class Home {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get policyPath(): string {
    return join(this.folder, 'policy.json');
  }

  get controlPlane(): string {
    return join(this.folder, 'control-plane');
  }

  exists(): boolean {
    return existsSync(join(this.folder, 'trust', 'root.json'));
  }

  /** Throws `RejectedError('home-missing')` where no ceremony was held. */
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

  /** The old key files of a role go when the new ones are written; they count for nothing any more. */
  replaceKeys(
    role: string,
    { keys, passphrase }: { keys: readonly SigningKey[]; passphrase: string | undefined },
  ): void {
    const folder = join(this.folder, 'keys', role);
    const old = readdirSync(folder).filter((file) => file.endsWith('.pem'));
    for (const key of keys) this.saveKey(role, { name: key.keyId.slice(0, 16), key, passphrase });
    for (const file of old) removeTree(join(folder, file));
  }

  hasKeys(role: string): boolean {
    return existsSync(join(this.folder, 'keys', role));
  }

  /** All keys of a role that are on this machine, sorted by file name. Errors: those of `loadKey`; `role-keys-missing`. */
  loadKeys(role: string, passphrase: string | undefined): SigningKey[] {
    const folder = join(this.folder, 'keys', role);
    const files = existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => file.endsWith('.pem'))
          .sort()
      : [];
    if (files.length === 0) {
      throw new RejectedError('role-keys-missing', `failed to load the ${role} keys: there is none in "${folder}"`, {
        hint: 'run this command on the machine that holds them, or name the folder with --home',
      });
    }
    return files.map((file) => loadKey(join(folder, file), passphrase));
  }

  /** What a client of that role dials with. */
  saveOperator(role: Role, operator: OperatorFile): void {
    const folder = join(this.folder, 'operators');
    makeDirectory(folder, { mode: 0o700 });
    writeFileAtomic(join(folder, `${role}.json`), `${JSON.stringify(operator, null, 2)}\n`, { mode: 0o600 });
  }

  /** Errors: `RejectedError('operator-certificate-missing')`. */
  loadOperator(role: Role): OperatorFile {
    const path = join(this.folder, 'operators', `${role}.json`);
    const parsed = existsSync(path) ? operatorSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
    if (parsed?.success) return parsed.data;
    throw new RejectedError(
      'operator-certificate-missing',
      `failed to load "${path}": expected the client certificate of a ${role}`,
      {
        hint: 'get one from whoever held the ceremony, or name another folder with --home',
      },
    );
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
}
