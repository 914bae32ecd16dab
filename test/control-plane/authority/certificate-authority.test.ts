import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { createAuthority, openAuthority } from '../../../control-plane/authority/authority-files.ts';
import type { CertificateAuthority } from '../../../control-plane/authority/certificate-authority.ts';
import { createTimestampKey, openTimestampKey } from '../../../control-plane/authority/timestamp-key.ts';
import { makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { CONTROL_PLANE_NAME } from '../../../shared/rpc/credentials.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { codeOf } from '../../support/rejection-of.ts';

const MINUTE_MS = 60_000;
const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';

describe('control-plane/authority', () => {
  const clock = new FakeClock();
  let folder: string;
  let authority: CertificateAuthority;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-authority-'));
    authority = await createAuthority(join(folder, 'authority'), clock);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps its key readable by its owner alone, and is the same when it is opened again', async () => {
    const files = readdirSync(join(folder, 'authority'));
    expect(files.map((name) => [name, statSync(join(folder, 'authority', name)).mode & 0o777])).to.deep.equal([
      ['ca-key.pem', 0o600],
      ['ca.pem', 0o644],
    ]);
    const again = await openAuthority(join(folder, 'authority'), clock);
    const { certificate } = await again.issueServerCertificate([]);
    expect(new X509Certificate(certificate).verify(new X509Certificate(authority.caCertificate).publicKey)).to.equal(
      true,
    );
  });

  it('is made once, and not opened where there is none', async () => {
    expect(await codeOf(createAuthority(join(folder, 'authority'), clock))).to.equal('authority-exists');
    expect(await codeOf(openAuthority(join(folder, 'elsewhere'), clock))).to.equal('authority-missing');
  });

  it('makes a CA that may sign certificates and no further CAs', () => {
    const ca = new X509Certificate(authority.caCertificate);
    expect(ca.ca).to.equal(true);
    expect(ca.toString()).to.not.contain('PRIVATE');
  });

  it('issues a host certificate for the name that it is told, whatever the request says, for a day', async () => {
    const { privateKey, csr } = await makeKeyWithRequest('an-impostor');
    const issued = await authority.issueHostCertificate(csr, 'web-1');
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subject).to.equal('CN=web-1');
    expect(certificate.subjectAltName).to.equal('URI:keyturn://host/web-1');
    expect(certificate.keyUsage).to.deep.equal([CLIENT]);
    expect(certificate.ca).to.equal(false);
    expect(certificate.serialNumber).to.equal(issued.serial);
    expect(Date.parse(certificate.validFrom)).to.equal(clock.now() - 5 * MINUTE_MS);
    expect(Date.parse(certificate.validTo)).to.equal(clock.now() + 24 * 60 * MINUTE_MS);
    expect(issued.expiresAt).to.equal(Date.parse(certificate.validTo));
    expect(privateKey).to.contain('PRIVATE KEY');
  });

  it('issues server certificates for its own name and for the addresses that it is told', async () => {
    const { certificate } = await authority.issueServerCertificate(['control.example', '10.0.0.1', CONTROL_PLANE_NAME]);
    const parsed = new X509Certificate(certificate);
    expect(parsed.subjectAltName).to.equal(`DNS:${CONTROL_PLANE_NAME}, DNS:control.example, IP Address:10.0.0.1`);
    expect(parsed.keyUsage).to.deep.equal([SERVER]);
  });

  it('issues operator certificates with their role, and none for longer than a year', async () => {
    const { certificate } = await authority.issueOperatorCertificate('an.nguyen', 'releaser');
    expect(new X509Certificate(certificate).subjectAltName).to.equal('URI:keyturn://operator/releaser/an.nguyen');
    const codes = [
      await codeOf(authority.issueOperatorCertificate('an/nguyen', 'viewer')),
      await codeOf(authority.issueOperatorCertificate('an', 'viewer', { lifetimeMs: 0 })),
      await codeOf(authority.issueOperatorCertificate('an', 'viewer', { lifetimeMs: 10 ** 12 })),
    ];
    expect(codes).to.deep.equal(['operator-name-invalid', 'lifetime-out-of-range', 'lifetime-out-of-range']);
  });

  it('issues nothing for a host name that could be read as another', async () => {
    const { csr } = await makeKeyWithRequest('web-1');
    const names = ['', 'web-1/operator', 'web-1, URI:keyturn://host/web-2', 'WEB-1', '../web-1'];
    for (const name of names)
      expect(await codeOf(authority.issueHostCertificate(csr, name)), name).to.equal('host-name-invalid');
  });

  it('gives no serial number twice', async () => {
    const issued = await Promise.all(Array.from({ length: 50 }, () => authority.issueServerCertificate([])));
    expect(new Set(issued.map(({ serial }) => serial)).size).to.equal(50);
    for (const { serial } of issued) expect(serial).to.match(/^[4-7][0-9A-F]{31}$/);
  });

  it('keeps the freshness key beside it, made once', () => {
    const key = createTimestampKey(folder);
    expect(openTimestampKey(folder).keyId).to.equal(key.keyId);
    expect(() => createTimestampKey(folder)).to.throw('there already');
  });
});
