import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { checkIssued, makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { enrol } from '../../../host-agent/link/enrol.ts';
import { dialCredentials } from '../../../shared/rpc/credentials.ts';
import { enrolmentService } from '../../../shared/rpc/definitions.ts';
import { ledgerKeyProofBytes } from '../../../shared/rpc/enrolment-proof.ts';
import type { EnrolRequest } from '../../../shared/rpc/generated/messages.ts';
import type { EnrolmentService } from '../../../shared/rpc/generated/services.ts';
import { rpcClient } from '../../../shared/rpc/rpc-client.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { ControlPlaneWorld, HOUR_MS, TestHost } from '../../support/control-plane-world.ts';
import { codeOf } from '../../support/rejection-of.ts';

type Change = (
  request: EnrolRequest,
  world: ControlPlaneWorld,
) => Promise<Partial<EnrolRequest>> | Partial<EnrolRequest>;

/** What a host sends in place of what it should, and whether the token is still good afterwards. */
const REQUESTS: Readonly<Record<string, { change: Change; code: string; isTokenSpent: boolean }>> = {
  'an honest request is granted, and its token is spent': {
    change: () => ({}),
    code: 'nothing was refused',
    isTokenSpent: true,
  },
  'a token for another host is refused': {
    change: async (_, world) => ({ token: await tokenFor(world, 'web-2') }),
    code: 'token-for-another-host',
    isTokenSpent: false,
  },
  'a token used by another host before is refused': {
    change: async (_, world) => {
      const token = await tokenFor(world, 'web-1');
      await new TestHost(world, 'web-1').enrol(token);
      return { token };
    },
    code: 'token-used',
    isTokenSpent: false,
  },
  'a token that has lapsed is refused': {
    change: async (_, world) => {
      const operator = await world.operator('operator');
      const { token } = await operator.createJoinToken({ host: 'web-1', lifetimeMs: 1 });
      world.clock.advance(1);
      return { token };
    },
    code: 'token-expired',
    isTokenSpent: false,
  },
  'a token that was made up is refused': {
    change: () => ({ token: 'A'.repeat(43) }),
    code: 'token-unknown',
    isTokenSpent: false,
  },
  'no token is refused': { change: () => ({ token: '' }), code: 'token-unknown', isTokenSpent: false },
  'a token of ten thousand characters is refused': {
    change: () => ({ token: 'A'.repeat(10_000) }),
    code: 'token-unknown',
    isTokenSpent: false,
  },
  'a token of a hundred thousand characters is refused before it is read': {
    change: () => ({ token: 'A'.repeat(100_000) }),
    code: 'rpc-resource-exhausted',
    isTokenSpent: false,
  },
  'a request that is no PKCS#10 is refused, and does not cost the token': {
    change: (request) => signed({ ...request, csr: Buffer.from('garbage') }),
    code: 'csr-malformed',
    isTokenSpent: false,
  },
  'a request whose key was exchanged under its signature is refused': {
    change: (request) => signed({ ...request, csr: flipped(request.csr) }),
    code: 'csr-malformed',
    isTokenSpent: false,
  },
  'a request of ten kilobytes is refused before it is parsed': {
    change: (request) => signed({ ...request, csr: Buffer.alloc(10_000) }),
    code: 'csr-malformed',
    isTokenSpent: false,
  },
  'a request of a megabyte is refused before it is read': {
    change: (request) => signed({ ...request, csr: Buffer.alloc(1024 * 1024) }),
    code: 'rpc-resource-exhausted',
    isTokenSpent: false,
  },
  'a ledger key that the host does not hold is refused': {
    change: () => ({ ledgerPublicKey: generateKey().publicKeyPem }),
    code: 'ledger-key-not-proven',
    isTokenSpent: false,
  },
  'a proof made for another request is refused': {
    change: async (request) => ({
      ledgerKeyProof:
        signed({ ...request, csr: (await makeKeyWithRequest('web-1')).csr }).ledgerKeyProof ?? Buffer.alloc(0),
    }),
    code: 'ledger-key-not-proven',
    isTokenSpent: false,
  },
  'a ledger key that is none is refused': {
    change: () => ({ ledgerPublicKey: 'garbage' }),
    code: 'key-is-not-ed25519',
    isTokenSpent: false,
  },
};

const LEDGER_KEY = generateKey();

function signed(request: EnrolRequest): Partial<EnrolRequest> {
  const { host, csr } = request;
  return { ...request, ledgerKeyProof: LEDGER_KEY.sign(ledgerKeyProofBytes(host, csr)) };
}

describe('host-agent/link/enrol', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(() => world.stop());

  it('has a row for each way to join', () => {
    expect(Object.keys(REQUESTS)).to.have.length(15);
  });

  for (const [story, { change, code, isTokenSpent }] of Object.entries(REQUESTS)) {
    it(story, async () => {
      const token = await tokenFor(world, 'web-1');
      const { csr } = await makeKeyWithRequest('web-1');
      const honest = {
        host: 'web-1',
        token,
        csr,
        ledgerPublicKey: LEDGER_KEY.publicKeyPem,
        ledgerKeyProof: Buffer.alloc(0),
      };
      const request = { ...honest, ...signed(honest) };
      expect(await codeOf(send(world, { ...request, ...(await change(request, world)) }))).to.equal(code);
      const again = await codeOf(new TestHost(world, 'web-1').enrol(token));
      expect(again).to.equal(isTokenSpent ? 'token-used' : 'nothing was refused');
    });
  }

  it('lets one of ten hosts in that come with one token at once', async () => {
    const token = await tokenFor(world, 'web-1');
    const hosts = Array.from({ length: 10 }, () => new TestHost(world, 'web-1'));
    const codes = await Promise.all(hosts.map((host) => codeOf(host.enrol(token))));
    expect(codes.filter((code) => code === 'nothing was refused')).to.have.length(1);
    expect(codes.filter((code) => code === 'token-used')).to.have.length(9);
  });

  it('makes its keys on the host, readable by the owner alone, and sends neither', async () => {
    const host = await world.enrolledHost('web-1');
    const folder = join(host.folder, 'identity');
    const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
    expect(modes).to.deep.equal([
      ['ca.pem', 0o600],
      ['ledger-key.pem', 0o600],
      ['tls.pem', 0o600],
    ]);
    const { privateKey } = host.identity.loadTls();
    const stored = readFileSync(join(world.controlPlaneFolder, 'store.sqlite'));
    expect(stored.includes(privateKey.split('\n')[1] ?? '')).to.equal(false);
  });

  it('stores of a token its digest alone', async () => {
    const token = await tokenFor(world, 'web-1');
    const rows = await world.controlPlane.store.selectFrom('join_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).to.not.contain(token);
    expect(rows.map(({ host }) => host)).to.deep.equal(['web-1']);
  });

  it('refuses a control plane that another CA vouches for, and sends it no token', async () => {
    const other = await ControlPlaneWorld.start();
    try {
      const host = new TestHost(world, 'web-1');
      const token = await tokenFor(world, 'web-1');
      const { join: joining, gateway } = other.controlPlane.addresses;
      const bundle = {
        host: 'web-1',
        token,
        addresses: { join: joining, gateway },
        caCertificate: world.caCertificate,
      };
      expect(await codeOf(enrol(host.identity, bundle))).to.equal('transient');
      expect(other.errors).to.deep.equal([]);
      expect(await codeOf(host.enrol(token))).to.equal('nothing was refused');
    } finally {
      await other.stop();
    }
  });

  it('takes no certificate that is for another key, another host or of another CA', async () => {
    const { authority } = world.controlPlane;
    const mine = await makeKeyWithRequest('web-1');
    const other = await makeKeyWithRequest('web-1');
    const expected = { privateKey: mine.privateKey, host: 'web-1', caCertificate: world.caCertificate };
    const good = (await authority.issueHostCertificate(mine.csr, 'web-1')).certificate;
    const others = [
      (await authority.issueHostCertificate(other.csr, 'web-1')).certificate,
      (await authority.issueHostCertificate(mine.csr, 'web-2')).certificate,
      world.caCertificate,
      'garbage',
    ];
    expect(() => checkIssued(good, expected)).to.not.throw();
    for (const certificate of others)
      expect(() => checkIssued(certificate, expected)).to.throw('failed to take the certificate');
  });
});

async function tokenFor(world: ControlPlaneWorld, host: string): Promise<string> {
  const operator = await world.operator('operator', 'token-maker');
  return (await operator.createJoinToken({ host, lifetimeMs: HOUR_MS })).token;
}

async function send(world: ControlPlaneWorld, request: EnrolRequest): Promise<unknown> {
  const client = rpcClient<EnrolmentService>({
    address: world.controlPlane.addresses.join,
    service: enrolmentService,
    credentials: dialCredentials(world.caCertificate),
  });
  try {
    return await client.enrol(request);
  } finally {
    client.close();
  }
}

/** One bit of the key, in the middle of the request. */
function flipped(csr: Buffer): Buffer {
  const copy = Buffer.from(csr);
  const middle = Math.floor(copy.length / 2);
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
