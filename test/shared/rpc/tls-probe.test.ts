/** Knocking at real listeners: how far it comes, and what is told about it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { expect } from 'chai';
import { createAuthority } from '../../../control-plane/authority/authority-files.ts';
import type { CertificateAuthority, IssuedIdentity } from '../../../control-plane/authority/certificate-authority.ts';
import { CONTROL_PLANE_NAME } from '../../../shared/rpc/credentials.ts';
import { probeTls, type TlsAnswer } from '../../../shared/rpc/tls-probe.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';

const DAY_MS = 24 * 3600 * 1000;

/** The authority of the ceremony, another one, and the same at other times. */
interface Authorities {
  readonly ours: CertificateAuthority;
  readonly clock: FakeClock;
  readonly other: CertificateAuthority;
}

interface Row {
  /** What listens; undefined where nobody does. */
  readonly server?: (authorities: Authorities) => Promise<Server> | Server;
  readonly client?: (authorities: Authorities) => Promise<IssuedIdentity>;
  readonly kind: TlsAnswer['kind'];
}

const ROWS: Record<string, Row> = {
  'the control plane of this ceremony answers': { server: ({ ours }) => secureServer(ours), kind: 'answered' },
  'nobody listens': { kind: 'refused' },
  'somebody listens and never says a word': { server: () => createServer(), kind: 'silent' },
  'somebody speaks another protocol': {
    server: () => createServer((socket) => socket.end('220 mail.example.org ready\r\n')),
    kind: 'no-tls',
  },
  'somebody closes at once': { server: () => createServer((socket) => socket.destroy()), kind: 'no-tls' },
  'the server is of another authority': { server: ({ other }) => secureServer(other), kind: 'other-authority' },
  'the certificate of the server has expired': {
    server: ({ ours, clock }) => atDay(clock, -8, () => secureServer(ours)),
    kind: 'server-expired',
  },
  'the certificate of the server is not valid yet': {
    server: ({ ours, clock }) => atDay(clock, 1, () => secureServer(ours)),
    kind: 'server-not-yet-valid',
  },
  'a certificate of this authority that is not for a server': {
    server: async ({ ours }) => secureServer(ours, await ours.issueOperatorCertificate('an', 'viewer')),
    kind: 'other-server',
  },
  'the server takes no such client': {
    server: ({ ours }) => secureServer(ours),
    client: ({ other }) => other.issueOperatorCertificate('an', 'viewer'),
    kind: 'identity-refused',
  },
  'the certificate of the client has expired': {
    server: ({ ours }) => secureServer(ours),
    client: ({ ours, clock }) => atDay(clock, -100, () => ours.issueOperatorCertificate('an', 'viewer')),
    kind: 'identity-refused',
  },
  'the server speaks TLS and nothing else': {
    server: async ({ ours }) => {
      const { certificate: cert, privateKey: key } = await ours.issueServerCertificate([]);
      return createTlsServer({ cert, key });
    },
    kind: 'silent',
  },
};

describe('probeTls', function () {
  this.timeout(20_000);
  let folder: string;
  let authorities: Authorities;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-probe-'));
    const clock = new FakeClock(Date.now() - 200 * DAY_MS);
    const ours = await createAuthority(join(folder, 'ours'), clock);
    clock.advance(200 * DAY_MS);
    authorities = { ours, clock, other: await createAuthority(join(folder, 'other'), clock) };
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is tried with at least twelve servers', () => expect(Object.keys(ROWS)).to.have.length.of.at.least(12));

  for (const [title, { server, client, kind }] of Object.entries(ROWS)) {
    it(`tells "${kind}" where ${title}`, async () => {
      await using listening = await listen(server === undefined ? createServer() : await server(authorities));
      if (server === undefined) await listening.close();
      const { certificate, privateKey } =
        (await client?.(authorities)) ?? (await authorities.ours.issueOperatorCertificate('an', 'viewer'));
      const answer = await probeTls({
        host: '127.0.0.1',
        port: listening.port,
        serverName: CONTROL_PLANE_NAME,
        identity: { caCertificate: authorities.ours.caCertificate, certificate, privateKey },
        // Only what never answers waits for all of it.
        timeoutMs: kind === 'silent' ? 300 : 10_000,
      });
      expect(answer).to.have.property('kind', kind);
      if (answer.kind === 'answered') expect(answer.serverExpiresAt).to.be.above(Date.now());
      else expect(answer.reason).to.not.equal('');
    });
  }

  it('fails where the key is not that of the certificate, without knocking', async () => {
    const { caCertificate, certificate } = await authorities.ours.issueOperatorCertificate('an', 'viewer');
    const { privateKey } = await authorities.ours.issueOperatorCertificate('an', 'viewer');
    const identity = { caCertificate, certificate, privateKey };
    const probe = { host: '127.0.0.1', port: 1, serverName: CONTROL_PLANE_NAME, identity, timeoutMs: 10_000 };
    expect(await probeTls(probe)).to.have.property('kind', 'failed');
  });

  it('tells that a host name is not known', async () => {
    const { caCertificate, certificate, privateKey } = await authorities.ours.issueOperatorCertificate('an', 'viewer');
    const answer = await probeTls({
      host: 'nowhere.invalid',
      port: 7443,
      serverName: CONTROL_PLANE_NAME,
      identity: { caCertificate, certificate, privateKey },
      timeoutMs: 10_000,
    });
    expect(answer.kind).to.equal('name-unknown');
  });
});

async function secureServer(authority: CertificateAuthority, identity?: IssuedIdentity): Promise<Server> {
  const { certificate, privateKey } = identity ?? (await authority.issueServerCertificate([]));
  const [cert, key, ca] = [certificate, privateKey, authority.caCertificate];
  const server = createHttp2Server();
  const secure = createTlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] });
  secure.on('secureConnection', (socket) => server.emit('connection', socket));
  return secure;
}

/** As if it were so many days later, or earlier. */
async function atDay<T>(clock: FakeClock, days: number, act: () => Promise<T>): Promise<T> {
  clock.advance(days * DAY_MS);
  try {
    return await act();
  } finally {
    clock.advance(-days * DAY_MS);
  }
}

interface Listening extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

async function listen(server: Server): Promise<Listening> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  // A handshake that fails is what is looked at from the other side.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { port, close, [Symbol.asyncDispose]: close };
}
