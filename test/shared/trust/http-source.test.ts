import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';

import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { type HttpSourceOptions, httpSource } from '../../../shared/trust/http-source.ts';
import { collectBounded, MetadataNotFound } from '../../../shared/trust/source.ts';

describe('shared/trust/http-source', function () {
  this.timeout(30_000);
  const servers: Server[] = [];
  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  const read = (stream: AsyncIterable<Uint8Array>, maxBytes = 1000) =>
    collectBounded(stream, { maxBytes, what: 'file' });
  async function errorOf(reading: Promise<unknown>): Promise<Error> {
    return reading.then(
      () => expect.fail('expected a failure'),
      (error: Error) => error,
    );
  }
  async function fetchFrom(listener: RequestListener, options: Partial<HttpSourceOptions> = {}): Promise<Error> {
    const url = await serve(listener);
    return errorOf(read(httpSource({ metadataUrl: url, ...options }).fetchMetadata('timestamp.json')));
  }

  it('asks for names as they are and for targets segment by segment', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.end('bytes');
    });
    const source = httpSource({ metadataUrl: `${url}/metadata`, targetsUrl: `${url}/targets/` });
    expect((await read(source.fetchMetadata('1.a%2Fb.json'))).toString()).to.equal('bytes');
    await read(source.fetchTarget('app/a b?.json'));
    expect(asked).to.deep.equal(['/metadata/1.a%2Fb.json', '/targets/app/a%20b%3F.json']);
  });

  for (const status of [403, 404]) {
    it(`takes ${status} for a file that is not there`, async () => {
      const error = await fetchFrom((_, response) => response.writeHead(status).end('no such file'));
      expect(error).to.be.instanceOf(MetadataNotFound);
    });
  }

  for (const status of [204, 400, 401, 500, 503]) {
    it(`takes ${status} for a reason to try again, or for nothing`, async () => {
      const url = await serve((_, response) => response.writeHead(status).end());
      const reading = read(httpSource({ metadataUrl: url }).fetchMetadata('timestamp.json'));
      if (status === 204) expect((await reading).length).to.equal(0);
      else expect(await errorOf(reading)).to.be.instanceOf(TransientError);
    });
  }

  it('gives up on a server that accepts and says nothing', async () => {
    const error = await fetchFrom(() => undefined, { idleTimeoutMs: 50 });
    expect(error).to.be.instanceOf(TransientError);
    expect(error.message).to.include('silence for 50 ms');
  });

  it('gives up on a server that falls silent in the middle', async () => {
    const error = await fetchFrom((_, response) => response.writeHead(200).write('{'), { idleTimeoutMs: 50 });
    expect(error.message).to.include('silence for 50 ms');
  });

  it('gives up on a server that trickles, however lively it is', async () => {
    const timers: NodeJS.Timeout[] = [];
    const error = await fetchFrom(
      (_, response) => {
        response.writeHead(200);
        timers.push(setInterval(() => response.write(' '), 5));
      },
      { idleTimeoutMs: 1000, totalTimeoutMs: 100 },
    );
    for (const timer of timers) clearInterval(timer);
    expect(error.message).to.include('no end within 100 ms');
  });

  it('hangs up when the reader has had enough', async () => {
    let hungUp: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => (hungUp = resolve));
    const error = await fetchFrom((_, response) => {
      response.on('close', () => hungUp?.()).writeHead(200);
      response.write(Buffer.alloc(100_000));
    });
    expect(error).to.be.instanceOf(RejectedError);
    await closed;
  });

  it('follows redirects on the same server, and not for ever', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/timestamp.json') response.writeHead(307, { location: '/moved' }).end();
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else response.end('moved');
    });
    const source = httpSource({ metadataUrl: url });
    expect((await read(source.fetchMetadata('timestamp.json'))).toString()).to.equal('moved');
    expect((await errorOf(read(source.fetchMetadata('loop')))).message).to.include('more than 3 redirects');
  });

  it('never leaves the server that it was told', async () => {
    let visits = 0;
    const other = await serve((_, response) => {
      visits++;
      response.end('{}');
    });
    for (const location of [`${other}/x`, `//127.0.0.1:1/x`, 'file:///etc/passwd', 'not a url://']) {
      const error = await fetchFrom((request, response) => {
        if (request.url === '/timestamp.json') response.writeHead(302, { location }).end();
        else response.writeHead(404).end();
      });
      expect(error, location).to.be.instanceOf(RejectedError);
    }
    expect(visits).to.equal(0);
  });

  it('says that it was made without targets', async () => {
    expect(() => httpSource({ metadataUrl: 'http://127.0.0.1:1' }).fetchTarget('x')).to.throw(TypeError);
  });

  it('says which address it did not reach', async () => {
    const error = await errorOf(
      read(httpSource({ metadataUrl: 'http://127.0.0.1:1/m' }).fetchMetadata('timestamp.json')),
    );
    expect(error).to.be.instanceOf(TransientError);
    expect(error.message).to.include('http://127.0.0.1:1/m/timestamp.json');
  });
});
