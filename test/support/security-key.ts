/** A security key in software: it does what OpenSSH's PROTOCOL.u2f says one does. */
import { APPROVAL_NAMESPACE } from '../../shared/trust/approver-key.ts';
import { generateKey, publicKeyHex, type SigningKey } from '../../shared/trust/keys.ts';
import { parseSshKey, SSH_SECURITY_KEY, type SshKey, sshKeyBlob, sshKeyLine } from '../../shared/trust/ssh-key.ts';
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
    const { namespace = APPROVAL_NAMESPACE } = options;
    return wrapSshSignature(this.answer(sshSignedData(message, namespace), options), { key: this.key, namespace });
  }

  /** What an agent that holds it gives for these bytes. */
  answer(data: Uint8Array, options: TouchOptions = {}): Buffer {
    const { flags = FLAGS.touched, application = this.key.application ?? '' } = options;
    this.#counter += 1;
    const signature = this.#inside.sign(assertion(data, { application, flags, counter: this.#counter }));
    const strings = [sshString(SSH_SECURITY_KEY), sshString(signature)];
    return Buffer.concat([...strings, Buffer.from([flags]), sshUint32(this.#counter)]);
  }

  /** The file of `ssh-keygen -t ed25519-sk`: which key it is, and the handle by which the device knows its own. */
  get handleFile(): string {
    const check = sshUint32(0x6b657974);
    const handle = [Buffer.from([FLAGS.touched]), sshString('the handle'), sshString('')];
    const comment = sshString('somebody');
    const inside = Buffer.concat([check, check, sshKeyBlob(this.key), ...handle, comment]);
    // Padded to blocks of eight with 1, 2, 3, ...
    const padding = Buffer.from(Array.from({ length: (8 - (inside.length % 8)) % 8 }, (_, index) => index + 1));
    const head = ['none', 'none', ''].map((part) => sshString(part));
    const keys = [sshUint32(1), sshString(sshKeyBlob(this.key)), sshString(Buffer.concat([inside, padding]))];
    const bytes = Buffer.concat([Buffer.from('openssh-key-v1\0'), ...head, ...keys]);
    const lines = bytes.toString('base64').match(/.{1,70}/g) ?? [];
    return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
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
    return wrapSshSignature(this.answer(sshSignedData(message, namespace)), { key: this.key, namespace });
  }

  /** What an agent that holds it gives for these bytes. */
  answer(data: Uint8Array): Buffer {
    return Buffer.concat([sshString('ssh-ed25519'), sshString(this.#inside.sign(data))]);
  }
}
