import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';

import type { CertificateAuthority } from '../../../control-plane/authority/certificate-authority.ts';
import { renewHostCertificate } from '../../../control-plane/authority/renew-host.ts';
import { lastHostExpiry } from '../../../control-plane/store/certificates.ts';
import { makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { codeOf } from '../../support/rejection-of.ts';

describe('control-plane/authority/renew-host', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(() => world.stop());

  it('leaves no certificate that counts when its host is revoked while it is issued', async () => {
    const { store, authority } = world.controlPlane;
    const certificate = new X509Certificate((await world.enrolledHost('web-1')).identity.loadTls().certificate);
    const { serialNumber: serial, validTo } = certificate;
    const operator = await world.operator('operator');
    const interrupted = {
      issueHostCertificate: async (csr: Uint8Array, host: string) => {
        const issued = await authority.issueHostCertificate(csr, host);
        await operator.revokeHost({ host });
        return issued;
      },
    } as CertificateAuthority;
    const identity = { kind: 'host', host: 'web-1', serial, expiresAt: Date.parse(validTo) } as const;
    const { csr } = await makeKeyWithRequest('web-1');
    const now = world.clock.now();
    expect(await codeOf(renewHostCertificate({ store, authority: interrupted, now }, identity, csr))).to.equal(
      'host-revoked',
    );
    expect(await lastHostExpiry(store, 'web-1')).to.equal(undefined);
  });
});
