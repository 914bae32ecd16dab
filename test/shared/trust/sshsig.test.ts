/** Approvals by the SSH keys that people carry: read and verified as OpenSSH's own `ssh-keygen` does, in both directions. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { APPROVAL_NAMESPACE } from '../../../shared/trust/approver-key.ts';
import { generateKey, publicKeyHex } from '../../../shared/trust/keys.ts';
import { parseSshKey, type SshKey, sshKeyBlob, sshKeyLine } from '../../../shared/trust/ssh-key.ts';
import { sshString, sshUint32 } from '../../../shared/trust/ssh-wire.ts';
import { armour, claimedSshKey, isSshSignature, unarmour, verifySshSignature } from '../../../shared/trust/sshsig.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';
import { FLAGS, SecurityKey, SshFileKey } from '../../support/security-key.ts';

const NAMESPACE = APPROVAL_NAMESPACE;
const MESSAGE = Buffer.from('open the gate of iu-cutter on contabo');
const { touched: TOUCHED, verified: VERIFIED } = FLAGS;

function sshKeygen(argv: readonly string[], input?: Buffer): string {
  const { status, stdout, stderr } = spawnSync('ssh-keygen', argv, { encoding: 'utf8', input });
  expect(status, stderr).to.equal(0);
  return stdout;
}

describe('shared/trust/sshsig', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-sshsig-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const verify = (bytes: Buffer, key: SshKey, change: { message?: Buffer; namespace?: string } = {}) =>
    verifySshSignature(bytes, { key, message: MESSAGE, namespace: NAMESPACE, ...change });

  /** Whether the distribution's program takes the signature. */
  function sshVerifies(bytes: Buffer, key: SshKey): boolean {
    const allowed = join(folder, 'allowed');
    const signature = join(folder, 'message.sig');
    writeFileSync(allowed, `somebody ${sshKeyLine(key)}\n`);
    writeFileSync(signature, armour(bytes));
    const argv = ['-Y', 'verify', '-f', allowed, '-I', 'somebody', '-n', NAMESPACE, '-s', signature];
    return spawnSync('ssh-keygen', argv, { input: MESSAGE }).status === 0;
  }

  describe('beside ssh-keygen', () => {
    let path: string;
    let key: SshKey;
    before(() => {
      path = join(folder, 'id_ed25519');
      sshKeygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'somebody@example', '-f', path]);
      key = parseSshKey(readFileSync(`${path}.pub`, 'utf8'));
    });

    for (const hash of ['sha512', 'sha256']) {
      it(`takes what it signs over ${hash}`, () => {
        const file = join(folder, `to-sign-${hash}`);
        writeFileSync(file, MESSAGE);
        sshKeygen(['-Y', 'sign', '-n', NAMESPACE, '-O', `hashalg=${hash}`, '-f', path, file]);
        const bytes = unarmour(readFileSync(`${file}.sig`, 'utf8'));
        expect(isSshSignature(bytes)).to.equal(true);
        expect(verify(bytes, key)).to.deep.equal({ isTouched: false, isVerified: false });
        expect(claimedSshKey(bytes).keyId).to.equal(key.keyId);
        expect(armour(bytes)).to.equal(readFileSync(`${file}.sig`, 'utf8'));
      });
    }

    it('writes the key as it does, without the comment', () => {
      expect(readFileSync(`${path}.pub`, 'utf8').startsWith(`${sshKeyLine(key)} somebody`)).to.equal(true);
    });

    it('signs with a file what it takes', () => {
      const ours = new SshFileKey();
      expect(sshVerifies(ours.sign(MESSAGE), ours.key)).to.equal(true);
      expect(sshVerifies(ours.sign(Buffer.from('another')), ours.key)).to.equal(false);
      expect(sshVerifies(ours.sign(MESSAGE, 'git'), ours.key)).to.equal(false);
    });

    it('makes of a security key’s answer what it takes', () => {
      const device = new SecurityKey();
      expect(sshVerifies(device.sign(MESSAGE), device.key)).to.equal(true);
      expect(sshVerifies(device.sign(Buffer.from('another')), device.key)).to.equal(false);
    });
  });

  it('tells of a security key whether it was touched, and whether it knew by whom', () => {
    const device = new SecurityKey('ssh:keyturn');
    const seen = [0, TOUCHED, VERIFIED, TOUCHED | VERIFIED].map((flags) =>
      verify(device.sign(MESSAGE, { flags }), device.key),
    );
    expect(seen).to.deep.equal([
      { isTouched: false, isVerified: false },
      { isTouched: true, isVerified: false },
      { isTouched: false, isVerified: true },
      { isTouched: true, isVerified: true },
    ]);
  });

  const device = new SecurityKey();
  const file = new SshFileKey();
  const honest = device.sign(MESSAGE);
  const refused: Readonly<Record<string, () => unknown>> = {
    'another message': () =>
      verify(honest, device.key, { message: Buffer.from('open the gate of iu-cutter on contabO') }),
    'another namespace': () => verify(honest, device.key, { namespace: 'git' }),
    'a signature that names another namespace': () => verify(device.sign(MESSAGE, { namespace: 'git' }), device.key),
    'another security key': () => verify(honest, new SecurityKey().key),
    'the same security key under another application': () =>
      verify(honest, { ...device.key, application: 'ssh:other' }),
    'an answer for another application': () => verify(device.sign(MESSAGE, { application: 'ssh:other' }), device.key),
    'a security key’s Ed25519 key as if it were a file': () =>
      verify(honest, { ...device.key, application: undefined }),
    'a file’s signature for a security key of the same Ed25519 key': () =>
      verify(file.sign(MESSAGE), { ...file.key, application: 'ssh:' }),
    'a file’s signature by another key': () => verify(file.sign(MESSAGE), new SshFileKey().key),
    'a touch that the flags gained later': () => {
      const untouched = device.sign(MESSAGE, { flags: 0 });
      untouched.writeUInt8(TOUCHED, untouched.length - 5);
      return verify(untouched, device.key);
    },
    'a counter that changed': () => {
      const changed = Buffer.from(honest);
      changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
      return verify(changed, device.key);
    },
    'a byte behind the end': () => verify(Buffer.concat([honest, Buffer.alloc(1)]), device.key),
    'a byte missing at the end': () => verify(honest.subarray(0, -1), device.key),
    'another version': () => verify(replaced(honest, sshUint32(1), sshUint32(2)), device.key),
    'a raw signature without its wrapping': () => verify(generateKey().sign(MESSAGE), device.key),
    'a weak hash': () => verify(replaced(honest, sshString('sha512'), sshString('sha1')), device.key),
    nothing: () => verify(Buffer.alloc(0), device.key),
  };
  it('has at least seventeen that it refuses', () => {
    expect(Object.keys(refused).length).to.be.at.least(17);
  });
  for (const [what, act] of Object.entries(refused)) {
    it(`takes no ${what}`, () => {
      expect(act()).to.equal(undefined);
    });
  }

  it('takes nothing that differs in a bit, and does not break on it (property)', () => {
    fc.assert(
      fc.property(fc.nat({ max: honest.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(honest);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(verify(changed, device.key)).to.equal(undefined);
      }),
      { numRuns: 400 },
    );
  });
});

describe('shared/trust/ssh-key', () => {
  const { key } = new SshFileKey();
  const line = sshKeyLine(key);

  it('has one name for a key that is a file, in OpenSSH’s form and in ours', () => {
    const inside = generateKey();
    const raw = Buffer.from(publicKeyHex(inside.publicKeyPem), 'hex');
    const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)]);
    expect(parseSshKey(`ssh-ed25519 ${blob.toString('base64')} a comment`).keyId).to.equal(inside.keyId);
  });

  it('has another name for a security key, and for each of its applications', () => {
    const names = ['ssh:', 'ssh:keyturn'].map((application) => parseSshKey(sshKeyLine({ ...key, application })).keyId);
    expect(new Set([key.keyId, ...names]).size).to.equal(3);
  });

  const blobOf = (...parts: (string | Buffer)[]) =>
    Buffer.concat(parts.map((part) => sshString(part))).toString('base64');
  const raw = sshKeyBlob(key).subarray(-32);
  const refused: Readonly<Record<string, readonly [line: string, code: string]>> = {
    'an RSA key': [`ssh-rsa ${blobOf('ssh-rsa', Buffer.alloc(3, 1), Buffer.alloc(256, 2))}`, 'ssh-key-type-unknown'],
    'a key that says another type': [line.replace('ssh-ed25519', 'ssh-rsa'), 'ssh-key-malformed'],
    'a key that is too short': [`ssh-ed25519 ${blobOf('ssh-ed25519', raw.subarray(1))}`, 'ssh-key-malformed'],
    'a key with more behind it': [`ssh-ed25519 ${blobOf('ssh-ed25519', raw, 'more')}`, 'ssh-key-malformed'],
    'a security key without application': [
      `sk-ssh-ed25519@openssh.com ${blobOf('sk-ssh-ed25519@openssh.com', raw)}`,
      'ssh-key-malformed',
    ],
    'a security key for a web site': [
      `sk-ssh-ed25519@openssh.com ${blobOf('sk-ssh-ed25519@openssh.com', raw, 'https://example.com')}`,
      'ssh-key-malformed',
    ],
    'a point of small order': [`ssh-ed25519 ${blobOf('ssh-ed25519', Buffer.alloc(32))}`, 'key-is-weak'],
    'options in front of it': [`cert-authority ${line}`, 'ssh-key-malformed'],
    'no base64': ['ssh-ed25519 ***', 'ssh-key-malformed'],
    nothing: ['', 'ssh-key-type-unknown'],
  };
  for (const [what, [text, code]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(codeThrownBy(() => parseSshKey(text))).to.equal(code);
    });
  }

  it('reads no armour but what ssh-keygen writes', () => {
    const text = armour(new SshFileKey().sign(MESSAGE));
    expect(isSshSignature(unarmour(text.replaceAll('\n', '\r\n')))).to.equal(true);
    for (const lie of [
      '',
      text.replace('SSH SIGNATURE', 'PGP SIGNATURE'),
      `x${text}`,
      `${text}x`,
      text.replace(/\n[^\n]/, '\n*'),
    ]) {
      expect(codeThrownBy(() => unarmour(lie))).to.equal('ssh-signature-malformed');
    }
  });
});

function replaced(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const at = bytes.indexOf(from);
  return Buffer.concat([bytes.subarray(0, at), to, bytes.subarray(at + from.length)]);
}
