import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { expect } from 'chai';
import { type HttpItemsOptions, httpItemsSink } from '../../../../control-plane/report/sinks/http-items.ts';
import { publish, type ReportSet } from '../../../../control-plane/report/sinks/sink.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { RejectedError } from '../../../../shared/errors.ts';
import { ITEMS_TOKEN, ItemsServer, type Misbehave, reply } from '../../../support/items-server.ts';

function setOf(names: readonly string[] = ['01-a.md', '01-a.json'], text = 'content'): ReportSet {
  const files = names.map((name) => {
    const content = Buffer.from(`${text} of ${name}`);
    return { name, mediaType: 'text/markdown; charset=utf-8', content, sha256: sha256(content) };
  });
  return { app: 'iu-cutter', version: '0.6', run: 'run-7', host: 'devhost-1', files };
}

describe('control-plane/report/sinks/http-items', () => {
  let folder: string;
  let server: ItemsServer;
  let port: number;
  let pauses: number[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-http-items-'));
    writeFileSync(join(folder, 'token'), `${ITEMS_TOKEN}\n`, { mode: 0o600 });
    server = new ItemsServer();
    port = await server.start();
    pauses = [];
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const sink = (changes: Partial<HttpItemsOptions> = {}) =>
    httpItemsSink({
      url: `http://127.0.0.1:${port}`,
      collection: 'reports',
      tokenFile: join(folder, 'token'),
      timeoutMs: 2000,
      wait: async (ms) => void pauses.push(ms),
      ...changes,
    });

  async function rejection(changes: Partial<HttpItemsOptions> = {}): Promise<Error> {
    try {
      await sink(changes).take(setOf());
    } catch (error) {
      return error as Error;
    }
    throw new Error('expected the sink to throw');
  }

  it('adds each document once, with its digest, under an id that follows from run and name', async () => {
    await sink().take(setOf());
    expect(
      [...server.items.values()].map(({ name, sha256: digest, run, content }) => [name, digest, run, content]),
    ).to.deep.equal([
      ['01-a.md', sha256('content of 01-a.md'), 'run-7', 'content of 01-a.md'],
      ['01-a.json', sha256('content of 01-a.json'), 'run-7', 'content of 01-a.json'],
    ]);
    expect(server.received.map(({ method }) => method)).to.deep.equal(['PATCH', 'POST', 'PATCH', 'POST']);
  });

  it('changes nothing when the same set comes again, and replaces what differs', async () => {
    await sink().take(setOf());
    const before = structuredClone([...server.items]);
    await sink().take(setOf());
    expect([...server.items]).to.deep.equal(before);
    await sink().take(setOf(undefined, 'newer'));
    expect(server.items.size).to.equal(2);
    expect([...server.items.values()].map(({ content }) => content)).to.deep.equal([
      'newer of 01-a.md',
      'newer of 01-a.json',
    ]);
  });

  it('adds an item where the server says 404 for a missing one', async () => {
    server.missingStatus = 404;
    await sink().take(setOf());
    expect(server.items.size).to.equal(2);
  });

  const PASSING_TROUBLE: readonly [string, Misbehave][] = [
    ['answers 500', (_request, response) => done(reply(response, 500, { errors: [] }))],
    ['answers 503 with a page', (_request, response) => done(reply(response, 503, '<html>down</html>'))],
    ['answers 429', (_request, response) => done(reply(response, 429, {}, { 'retry-after': '2' }))],
    ['drops the connection', (_request, _response, incoming) => done(incoming.socket.destroy())],
    [
      'drops it in the middle of an answer',
      (_request, response) =>
        done(response.writeHead(200, { 'content-length': '500' }).write('{"data":', () => response.destroy())),
    ],
    ['answers 200 with no JSON', (_request, response) => done(reply(response, 200, 'OK'))],
    [
      'answers 200 with JSON of something else',
      (_request, response) => done(reply(response, 200, { data: { id: 'x' } })),
    ],
    [
      'answers 200 with an older content',
      (request, response) => done(reply(response, 200, { data: { ...request.body, sha256: 'old' } })),
    ],
    ['never answers', () => true],
    [
      'answers with more than may be read',
      (_request, response) => done(reply(response, 200, ' '.repeat(5 * 1024 * 1024))),
    ],
  ];
  for (const [title, misbehave] of PASSING_TROUBLE) {
    it(`tries again when the server ${title}, and the documents arrive once`, async () => {
      let troubles = 2;
      server.misbehave = (...args) => troubles-- > 0 && misbehave(...args);
      await sink({ timeoutMs: title === 'never answers' ? 100 : 2000 }).take(setOf());
      expect(server.items.size).to.equal(2);
      expect(pauses).to.have.length(2);
      if (title === 'answers 429') expect(pauses).to.deep.equal([2000, 2000]);
      else expect(pauses[1]).to.be.above(250);
    });

    it(`gives up after its tries when the server always ${title}, with every pause bounded`, async () => {
      server.misbehave = misbehave;
      const error = await rejection({ tryCount: 4, timeoutMs: title === 'never answers' ? 50 : 2000 });
      expect(error.name).to.equal('TransientError');
      expect(server.received).to.have.length(4);
      expect(pauses).to.have.length(3);
      expect(Math.max(...pauses)).to.be.at.most(10_000);
      expect(server.items.size).to.equal(0);
    });
  }

  it('takes a lost answer to its own POST for what it is', async () => {
    server.misbehave = (request, response, incoming) => {
      if (request.method !== 'POST' || server.items.size > 0) return false;
      const silent = { writeHead: () => ({ end: () => incoming.socket.destroy() }) } as unknown as ServerResponse;
      server.answer(request, silent);
      return response.headersSent || true;
    };
    await sink().take(setOf(['08-final-report.md']));
    expect(server.items.size).to.equal(1);
  });

  const REFUSALS: readonly [string, Misbehave][] = [
    ['does not know the token', (_request, response) => done(reply(response, 401, {}))],
    ['rejects the content', (_request, response) => done(reply(response, 422, {}))],
    ['forbids both to change and to add', (_request, response) => done(reply(response, 403, {}))],
    [
      'answers with a redirect',
      (_request, response) => done(reply(response, 302, '', { location: `http://127.0.0.1:${1}/` })),
    ],
  ];
  for (const [title, misbehave] of REFUSALS) {
    it(`does not try again when the server ${title}`, async () => {
      server.misbehave = misbehave;
      const error = await rejection();
      expect(error).to.be.instanceOf(RejectedError).with.property('code', 'sink-refused');
      expect(pauses).to.deep.equal([]);
    });
  }

  it('does not follow a redirect, so the token goes nowhere else', async () => {
    const other = new ItemsServer();
    const otherPort = await other.start();
    server.misbehave = (_request, response) =>
      done(reply(response, 307, '', { location: `http://127.0.0.1:${otherPort}/items/reports` }));
    await rejection();
    expect(other.received).to.deep.equal([]);
    await other.stop();
  });

  it('goes on where it stopped: a set that failed half-way is complete after the next time', async () => {
    server.misbehave = (request, response) => request.body.name === '01-a.json' && done(reply(response, 422, {}));
    await rejection();
    expect(server.items.size).to.equal(1);
    server.misbehave = () => false;
    await sink().take(setOf());
    expect(server.items.size).to.equal(2);
  });

  const BAD_SETUPS: readonly [string, Partial<HttpItemsOptions>, string][] = [
    ['sends no token over plain HTTP to another host', { url: 'http://kb.example.org' }, 'sink-not-encrypted'],
    ['takes no address with credentials in it', { url: 'https://user:secret@kb.example.org' }, 'sink-url-invalid'],
    ['takes no other kind of address', { url: 'file:///etc/passwd' }, 'sink-url-invalid'],
    ['takes no text that is no address', { url: 'kb' }, 'sink-url-invalid'],
    ['takes no collection that changes the path', { collection: '../users' }, 'sink-url-invalid'],
  ];
  for (const [title, changes, code] of BAD_SETUPS) {
    it(title, () => {
      expect(() => sink(changes))
        .to.throw(RejectedError)
        .with.property('code', code);
      if (changes.url?.includes('secret')) expect(() => sink(changes)).to.not.throw(/secret/);
    });
  }

  it('sends no header that a token file tries to add', async () => {
    writeFileSync(join(folder, 'token'), 'x\r\nx-admin: yes');
    expect(await rejection()).to.have.property('code', 'sink-token-invalid');
    expect(server.received).to.deep.equal([]);
  });

  it('names no token in a receipt, and lets other sinks have theirs', async () => {
    server.misbehave = (_request, response) => done(reply(response, 401, {}));
    const taken: string[] = [];
    const other = { kind: 'folder', location: '/srv', take: async (set: ReportSet) => void taken.push(set.run) };
    const receipts = await publish(setOf(), [sink(), other]);
    expect(receipts.map(({ kind, ok }) => [kind, ok])).to.deep.equal([
      ['http-items', false],
      ['folder', true],
    ]);
    expect(JSON.stringify(receipts)).to.not.include(ITEMS_TOKEN);
    expect(taken).to.deep.equal(['run-7']);
  });

  describe('over TLS', () => {
    it('takes a certificate of the authority that it was given, and no other', async () => {
      const pem = await selfSigned();
      const secure = new ItemsServer(pem);
      const url = `https://localhost:${await secure.start()}`;
      await sink({ url, ca: pem.cert }).take(setOf());
      expect(secure.items.size).to.equal(2);
      const error = await rejection({ url, tryCount: 1 });
      expect(error.name).to.equal('TransientError');
      expect(secure.received).to.have.length(4);
      await secure.stop();
    });
  });
});

function done(_effect: unknown): true {
  return true;
}

async function selfSigned(): Promise<{ key: string; cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys: keys as webcrypto.CryptoKeyPair,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}
