// The X.509 library finds its metadata through this import, which has to come first.
import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { expect } from 'chai';

import { createAuthority } from '../../../control-plane/authority/authority-files.ts';
import { checkIssued, makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { IdentityStore } from '../../../host-agent/link/identity-store.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';

const HOUR_MS = 60 * 60 * 1000;

describe('host-agent/link/certificate-request', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-certificate-'));
  const clock = new FakeClock(Date.now());
  let expected: Parameters<typeof checkIssued>[1];
  let good: string;
  before(async () => {
    const authority = await createAuthority(join(folder, 'ca'), clock);
    const { privateKey, csr } = await makeKeyWithRequest('web-1');
    expected = { privateKey, host: 'web-1', caCertificate: authority.caCertificate };
    good = (await authority.issueHostCertificate(csr, 'web-1')).certificate;
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const host of ['a', 'web-1.example', 'x'.repeat(253)]) {
    it(`makes a request of ${host.length} characters that other programs read, and that its own key has signed`, async () => {
      const { csr, privateKey } = await makeKeyWithRequest(host);
      const request = new x509.Pkcs10CertificateRequest(csr);
      expect(request.subjectName.getField('CN')).to.deep.equal([host]);
      expect(await request.verify()).to.equal(true);
      expect(request.attributes).to.deep.equal([]);
      const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
      expect(Buffer.from(request.publicKey.rawData).equals(publicKey)).to.equal(true);
      expect(Buffer.from(request.rawData).equals(csr)).to.equal(true);
      expect((await makeKeyWithRequest(host)).privateKey).not.to.equal(privateKey);
    });
  }

  const IN_OTHER_SPELLINGS: Readonly<Record<string, (pem: string) => string>> = {
    'with the label of old tools': (pem) => pem.replaceAll('CERTIFICATE', 'X509 CERTIFICATE'),
    'with the label of OpenSSL': (pem) => pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
    'with line ends of DOS': (pem) => pem.replaceAll('\n', '\r\n'),
    'behind a private key': (pem) => `${expected.privateKey.replace(/[A-Za-z]{10}/, 'AAAAAAAAAA')}\n${pem}`,
    'with text around it': (pem) => `good morning\n${pem.trimEnd()}\ngood night\n`,
  };

  for (const [name, spell] of Object.entries(IN_OTHER_SPELLINGS)) {
    it(`gives a certificate ${name} back in the spelling that the identity's file is read by`, () => {
      const store = new IdentityStore(join(folder, 'identity'));
      const certificate = checkIssued(spell(good), expected);
      store.saveCa(expected.caCertificate);
      store.saveTls({ certificate, privateKey: expected.privateKey });
      expect(store.loadTls().certificate.trim()).to.equal(good.trim());
      expect(store.loadTls().privateKey.trim()).to.equal(expected.privateKey.trim());
    });
  }

  it('takes no certificate that is not valid yet, or not any more: it would replace one that works', () => {
    for (const now of [clock.now() - HOUR_MS, clock.now() + 25 * HOUR_MS])
      expect(() => checkIssued(good, { ...expected, now })).to.throw('it is valid from');
    expect(checkIssued(good, { ...expected, now: clock.now() }).trim()).to.equal(good.trim());
  });
});
