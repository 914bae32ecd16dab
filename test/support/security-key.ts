/** A security key in software: it does what OpenSSH's PROTOCOL.u2f says one does. */
import { APPROVAL_NAMESPACE } from '../../shared/trust/approver-key.ts';
import { generateKey, publicKeyHex, type SigningKey } from '../../shared/trust/keys.ts';
import { parseSshKey, SSH_SECURITY_KEY, type SshKey, sshKeyLine } from '../../shared/trust/ssh-key.ts';
import { sshString, sshUint32 } from '../../shared/trust/ssh-wire.ts';
import { assertion, sshSignedData, wrapSshSignature } from '../../shared/trust/sshsig.ts';

export const FLAGS = { touched: 1, verified: 4 } as const;

export interface TouchOptions {
  readonly namespace?: string;
  readonly flags?: number;
  readonly application?: string;
}

export class SecurityKey {
  readonly key: SshKey;
  readonly #inside: SigningKey;
  #counter = 6;

  constructor(application = 'ssh:') {
    this.#inside = generateKey();
    const raw = Buffer.from(publicKeyHex(this.#inside.publicKeyPem), 'hex');
    const blob = Buffer.concat([SSH_SECURITY_KEY, raw, application].map((part) => sshString(part)));
    this.key = parseSshKey(`${SSH_SECURITY_KEY} ${blob.toString('base64')} somebody`);
  }

  /** As it stands in a `.pub` file. */
  get line(): string {
    return sshKeyLine(this.key);
  }

  sign(message: Uint8Array, options: TouchOptions = {}): Buffer {
    const { namespace = APPROVAL_NAMESPACE, flags = FLAGS.touched, application = this.key.application ?? '' } = options;
    this.#counter += 1;
    const data = sshSignedData(message, namespace);
    const signature = this.#inside.sign(assertion(data, { application, flags, counter: this.#counter }));
    const strings = [sshString(SSH_SECURITY_KEY), sshString(signature)];
    const inner = Buffer.concat([...strings, Buffer.from([flags]), sshUint32(this.#counter)]);
    return wrapSshSignature(inner, { key: this.key, namespace });
  }
}

/** A key that is a file, in OpenSSH's form. */
export class SshFileKey {
  readonly key: SshKey;
  readonly #inside: SigningKey;

  constructor(inside: SigningKey = generateKey()) {
    this.#inside = inside;
    const raw = Buffer.from(publicKeyHex(inside.publicKeyPem), 'hex');
    const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)]);
    this.key = parseSshKey(`ssh-ed25519 ${blob.toString('base64')}`);
  }

  get line(): string {
    return sshKeyLine(this.key);
  }

  sign(message: Uint8Array, namespace: string = APPROVAL_NAMESPACE): Buffer {
    const signature = this.#inside.sign(sshSignedData(message, namespace));
    const inner = Buffer.concat([sshString('ssh-ed25519'), sshString(signature)]);
    return wrapSshSignature(inner, { key: this.key, namespace });
  }
}
