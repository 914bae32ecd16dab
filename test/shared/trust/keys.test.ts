import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { RejectedError } from '../../../shared/errors.ts';
import {
  generateKey,
  isSignedBy,
  loadKey,
  loadPublicKey,
  parsePublicKey,
  publicKeyHex,
  publicKeyOfHex,
  saveKey,
  tufKeyOf,
} from '../../../shared/trust/keys.ts';

const MESSAGE = Buffer.from('signed bytes');

function rejectionOf(action: () => unknown): RejectedError {
  try {
    action();
  } catch (error) {
    if (error instanceof RejectedError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('shared/trust/keys', function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-keys-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('signs, and verifies only the same bytes under the same key', () => {
    const key = generateKey();
    const signature = key.sign(MESSAGE);
    expect(isSignedBy(key, MESSAGE, signature)).to.equal(true);
    expect(isSignedBy(key, Buffer.from('signed bytez'), signature)).to.equal(false);
    expect(isSignedBy(generateKey(), MESSAGE, signature)).to.equal(false);
    expect(isSignedBy(key, MESSAGE, signature.subarray(1))).to.equal(false);
    expect(isSignedBy(key, MESSAGE, Buffer.alloc(0))).to.equal(false);
  });

  it('refuses the second spelling of a signature, s plus the group order', () => {
    const key = generateKey();
    const signature = key.sign(MESSAGE);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const second = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
    expect(isSignedBy(key, MESSAGE, Buffer.concat([signature.subarray(0, 32), second]))).to.equal(false);
  });

  it('names a key as securesystemslib does (a key of its own test files, with the id it gave)', () => {
    const hex = '4f66dabebcf30628963786001984c0b75c175cdcf3bc4855933a2628f0cd0a0f';
    const key = publicKeyOfHex(hex);
    expect(tufKeyOf(key)).to.deep.equal({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } });
    expect(key.keyId).to.equal('c6d8bf2e4f48b41ac2ce8eca21415ca8ef68c133b47fc33df03d4070a7e1e9cc');
  });

  it('agrees with RFC 8032, test 1', () => {
    const key = publicKeyOfHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    const signature =
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
    expect(isSignedBy(key, Buffer.alloc(0), Buffer.from(signature, 'hex'))).to.equal(true);
  });

  it('saves for the owner only and loads the same key again', () => {
    const path = join(folder, 'key.pem');
    const key = generateKey();
    saveKey(path, key, undefined);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    const loaded = loadKey(path);
    expect(loaded.keyId).to.equal(key.keyId);
    expect(isSignedBy(key, MESSAGE, loaded.sign(MESSAGE))).to.equal(true);
  });

  it('encrypts under a passphrase with scrypt, in a form that openssl reads too', () => {
    const path = join(folder, 'key.pem');
    const key = generateKey();
    saveKey(path, key, 'correct horse');
    expect(readFileSync(path, 'utf8')).to.match(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    expect(loadKey(path, 'correct horse').keyId).to.equal(key.keyId);
    const publicPem = execFileSync('openssl', ['pkey', '-in', path, '-passin', 'pass:correct horse', '-pubout']);
    expect(parsePublicKey(publicPem.toString()).keyId).to.equal(key.keyId);
    const parsed = execFileSync('openssl', ['asn1parse', '-in', path]).toString();
    expect(parsed).to.include('scrypt').and.to.include('aes-256-cbc');
  });

  it('says what is wrong with a key file, each fault with its own code', () => {
    const encrypted = join(folder, 'encrypted.pem');
    saveKey(encrypted, generateKey(), 'right');
    const open = join(folder, 'open.pem');
    saveKey(open, generateKey(), undefined);
    chmodSync(open, 0o644);
    const ecdsa = join(folder, 'ecdsa.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(ecdsa, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const garbage = join(folder, 'garbage.pem');
    writeFileSync(garbage, 'garbage', { mode: 0o600 });

    expect(rejectionOf(() => loadKey(encrypted, 'wrong')).code).to.equal('passphrase-wrong');
    expect(rejectionOf(() => loadKey(encrypted)).code).to.equal('passphrase-needed');
    expect(rejectionOf(() => loadKey(join(folder, 'absent'))).code).to.equal('key-file-missing');
    expect(rejectionOf(() => loadKey(ecdsa)).code).to.equal('key-is-not-ed25519');
    expect(rejectionOf(() => loadKey(garbage)).code).to.equal('key-is-not-ed25519');
    const error = rejectionOf(() => loadKey(open));
    expect(error.code).to.equal('key-file-open-to-others');
    expect(error.hint).to.equal(`chmod 600 ${open}`);
  });

  it('does not take the public half out of a private key, nor a key of another kind', () => {
    const path = join(folder, 'key.pem');
    saveKey(path, generateKey(), undefined);
    expect(rejectionOf(() => loadPublicKey(path)).code).to.equal('key-is-private');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(rejectionOf(() => parsePublicKey(pem)).code).to.equal('key-is-not-ed25519');
  });

  it('reads a public key in any PEM spelling as the same key', () => {
    const key = generateKey();
    const path = join(folder, 'public.pem');
    writeFileSync(path, `comment\n${key.publicKeyPem.replaceAll('\n', '\r\n')}`);
    expect(loadPublicKey(path)).to.deep.equal({ keyId: key.keyId, publicKeyPem: key.publicKeyPem });
    expect(publicKeyOfHex(publicKeyHex(key.publicKeyPem)).keyId).to.equal(key.keyId);
  });

  describe('weak points', () => {
    const weak = {
      'the neutral element': `01${'00'.repeat(31)}`,
      'a point of order two': `ec${'ff'.repeat(30)}7f`,
      'a point of order four': '00'.repeat(32),
      'a point of order eight': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'the same with the sign bit': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'another point of order eight': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'zero spelt as the prime': `ed${'ff'.repeat(30)}7f`,
      'one spelt as the prime plus one': `ee${'ff'.repeat(30)}7f`,
    };
    for (const [name, hex] of Object.entries(weak)) {
      it(`refuses ${name}`, () => expect(rejectionOf(() => publicKeyOfHex(hex)).code).to.equal('key-is-weak'));
    }
    it('knows every weak point of the list', () => expect(Object.keys(weak)).to.have.length(8));
  });

  it('does not show the private half in the key object', () => {
    expect(JSON.stringify(generateKey())).to.not.include('PRIVATE');
    expect(Object.keys(generateKey())).to.have.members(['keyId', 'publicKeyPem', 'sign']);
  });
});
