import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { createAuthority, openAuthority } from '../../../control-plane/authority/authority-files.ts';
import { recordHostCertificate } from '../../../control-plane/authority/enrol-host.ts';
import { issueOperator } from '../../../control-plane/service.ts';
import { revokeCertificate } from '../../../control-plane/store/certificates.ts';
import { makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { dialGateway } from '../../../host-agent/link/gateway-client.ts';
import type { HostTlsIdentity } from '../../../host-agent/link/identity-store.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { dialCredentials } from '../../../shared/rpc/credentials.ts';
import { agentGatewayService, enrolmentService } from '../../../shared/rpc/definitions.ts';
import type { AgentGatewayService, EnrolmentService } from '../../../shared/rpc/generated/services.ts';
import { rpcClient } from '../../../shared/rpc/rpc-client.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

/** Makes the certificate that a caller shows; the world has one enrolled host, `web-1`. */
type Caller = (world: ControlPlaneWorld) => Promise<HostTlsIdentity>;

/** `transient` is what a caller sees whom TLS itself does not let in: the connection is cut off. */
const CALLERS: Readonly<Record<string, { caller: Caller; code: string }>> = {
  'an enrolled host is let in, and finds nothing published yet': { caller: enrolled, code: 'metadata-not-found' },
  'a host that was revoked is told so': {
    caller: async (world) => {
      const identity = await enrolled(world);
      await (await world.operator('operator')).revokeHost({ host: 'web-1' });
      return identity;
    },
    code: 'host-revoked',
  },
  'a certificate that was revoked by its serial is refused, though its host is not': {
    caller: async (world) => {
      const { serial, identity } = await issued(world, { host: 'web-1' });
      await revokeCertificate(world.controlPlane.store, serial, world.clock.now());
      return identity;
    },
    code: 'certificate-revoked',
  },
  'a certificate of our CA that was never written down is refused': {
    caller: async (world) => (await issued(world, { host: 'web-1', isRecorded: false })).identity,
    code: 'certificate-unknown',
  },
  'a certificate for a host that nobody made known is refused': {
    caller: async (world) => (await issued(world, { host: 'web-9' })).identity,
    code: 'host-unknown',
  },
  'a certificate that has expired is cut off by TLS': {
    caller: async (world) => (await issued(world, { host: 'web-1', at: Date.now() - 25 * HOUR_MS })).identity,
    code: 'transient',
  },
  'a certificate that is not valid yet is cut off by TLS': {
    caller: async (world) => (await issued(world, { host: 'web-1', at: Date.now() + HOUR_MS })).identity,
    code: 'transient',
  },
  'a certificate that expired by the clock of the control plane alone is refused': {
    caller: async (world) => {
      const identity = await enrolled(world);
      world.clock.advance(24 * HOUR_MS);
      return identity;
    },
    code: 'certificate-expired',
  },
  'a certificate of another CA for the same name is cut off by TLS': {
    caller: async (world) => {
      const folder = mkdtempSync(join(tmpdir(), 'keyturn-rogue-'));
      const rogue = await createAuthority(folder, new FakeClock(Date.now()));
      rmSync(folder, { recursive: true });
      const { privateKey, csr } = await makeKeyWithRequest('web-1');
      const { certificate } = await rogue.issueHostCertificate(csr, 'web-1');
      return { caCertificate: world.caCertificate, certificate, privateKey };
    },
    code: 'transient',
  },
  'an operator is refused at the door for hosts': {
    caller: (world) => issueOperator(world.controlPlaneFolder, { name: 'somebody', role: 'releaser' }, world.clock),
    code: 'identity-not-understood',
  },
  'a server certificate is cut off by TLS, because it is for servers': {
    caller: async (world) => world.controlPlane.authority.issueServerCertificate(['web-1']),
    code: 'transient',
  },
};

describe('control-plane/gateway: who is let in', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(() => world.stop());

  it('has a row for each caller', () => {
    expect(Object.keys(CALLERS)).to.have.length(11);
  });

  for (const [story, { caller, code }] of Object.entries(CALLERS)) {
    it(story, async () => {
      const client = dialGateway(world.controlPlane.addresses.gateway, await caller(world));
      try {
        expect(await codeOf(collected(client.fetchMetadata({ name: 'timestamp.json' })))).to.equal(code);
        // Whom TLS does not let in has reached no handler.
        if (code === 'transient') expect(world.errors).to.deep.equal([]);
      } finally {
        client.close();
      }
    });
  }

  it('cuts a caller without any certificate off', async () => {
    const client = rpcClient<AgentGatewayService>({
      address: world.controlPlane.addresses.gateway,
      service: agentGatewayService,
      credentials: dialCredentials(world.caCertificate),
    });
    expect(await codeOf(collected(client.fetchMetadata({ name: 'timestamp.json' })))).to.equal('transient');
    client.close();
  });

  it('lets nobody be talkative at the door where hosts join: a request over its limit is refused before it is read', async () => {
    const client = rpcClient<EnrolmentService>({
      address: world.controlPlane.addresses.join,
      service: enrolmentService,
      credentials: dialCredentials(world.caCertificate),
    });
    const keys = { ledgerPublicKey: '', ledgerKeyProof: Buffer.alloc(0) };
    const knock = (bytes: number) => client.enrol({ host: 'web-1', token: 'none', csr: Buffer.alloc(bytes), ...keys });
    expect(await codeOf(knock(1_000))).to.equal('token-unknown');
    expect(await codeOf(knock(LIMITS.enrolRequestBytes))).to.equal('rpc-resource-exhausted');
    expect(world.errors).to.have.length(1);
    client.close();
  });

  it('refuses a host at the door for operators', async () => {
    const client = world.dialOperator(await enrolled(world));
    expect(await codeOf(client.listHosts({}))).to.equal('identity-not-understood');
  });

  it('gives a renewed certificate to the host that asks, whatever the request says', async () => {
    const client = dialGateway(world.controlPlane.addresses.gateway, await enrolled(world));
    const { csr } = await makeKeyWithRequest('web-2');
    const { certificate } = await client.renewCertificate({ csr });
    client.close();
    const { X509Certificate } = await import('node:crypto');
    expect(new X509Certificate(certificate).subjectAltName).to.equal('URI:keyturn://host/web-1');
  });

  for (const door of ['join', 'gateway', 'operator'] as const) {
    it(`speaks TLS 1.3 and nothing older at the door "${door}"`, async () => {
      const [host = '', port = ''] = world.controlPlane.addresses[door].split(':');
      const { certificate: cert, privateKey: key, caCertificate: ca } = await enrolled(world);
      const dial = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
        new Promise<string>((resolve) => {
          const socket = connect({
            host,
            port: Number(port),
            ca,
            cert,
            key,
            maxVersion,
            ALPNProtocols: ['h2'],
            checkServerIdentity: () => undefined,
          });
          socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''));
          socket.once('error', (error) => resolve(String((error as NodeJS.ErrnoException).code)));
          socket.once('close', () => socket.destroy());
          world.onStop(() => void socket.destroy());
        });
      expect(await dial('TLSv1.3')).to.equal('TLSv1.3');
      expect(await dial('TLSv1.2')).to.equal('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    });
  }

  it('refuses to dial a server that speaks no TLS 1.3', async () => {
    const { createServer } = await import('node:tls');
    const { certificate: cert, privateKey: key } = await world.controlPlane.authority.issueServerCertificate([]);
    const server = createServer({ cert, key, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const failed = new Promise<string>((resolve) =>
      server.once('tlsClientError', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')),
    );
    const client = dialGateway(`127.0.0.1:${port}`, await enrolled(world));
    expect(await codeOf(collected(client.fetchMetadata({ name: 'timestamp.json' })))).to.equal('transient');
    expect(await failed).to.equal('ERR_SSL_UNSUPPORTED_PROTOCOL');
    client.close();
    server.close();
  });

  it('issues certificates that another program accepts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-openssl-'));
    const { certificate } = await enrolled(world);
    writeFileSync(join(folder, 'ca.pem'), world.caCertificate);
    writeFileSync(join(folder, 'host.pem'), certificate);
    const verify = (purpose: string) =>
      execFileSync(
        'openssl',
        ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(folder, 'ca.pem'), join(folder, 'host.pem')],
        { encoding: 'utf8', stdio: 'pipe' },
      );
    expect(verify('sslclient')).to.contain('host.pem: OK');
    expect(() => verify('sslserver')).to.throw();
    rmSync(folder, { recursive: true });
  });
});

async function enrolled(world: ControlPlaneWorld): Promise<HostTlsIdentity> {
  return (await world.enrolledHost('web-1')).identity.loadTls();
}

interface Issued {
  readonly serial: string;
  readonly identity: HostTlsIdentity;
}

/** A host certificate of the world's own CA, for whatever host and instant; `web-1` is enrolled first. */
async function issued(
  world: ControlPlaneWorld,
  { host, at = Date.now(), isRecorded = true }: { host: string; at?: number; isRecorded?: boolean },
): Promise<Issued> {
  await enrolled(world);
  const authority = await openAuthority(join(world.controlPlaneFolder, 'authority'), new FakeClock(at));
  const { privateKey, csr } = await makeKeyWithRequest(host);
  const made = await authority.issueHostCertificate(csr, host);
  if (isRecorded) await recordHostCertificate(world.controlPlane.store, host, made);
  return {
    serial: made.serial,
    identity: { caCertificate: world.caCertificate, certificate: made.certificate, privateKey },
  };
}
