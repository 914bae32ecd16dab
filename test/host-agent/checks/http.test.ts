/** GET on loopback: what a service may answer, and what is made of it. Real sockets. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Json } from '../../../shared/canonical-json.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { askOnce } from './check-world.ts';

interface HttpRow {
  readonly answers: RequestListener;
  readonly expect?: Json;
  readonly timeoutMs?: number;
  readonly status: Status;
  readonly says?: string;
}

const rows: Record<string, HttpRow> = {
  'a service that answers as expected passes': {
    answers: (_, response) => response.end('status: ok\n'),
    expect: { body: { matches: '^status: ok$' } },
    status: 'PASS',
  },
  'a service that answers another body fails': {
    answers: (_, response) => response.end('status: degraded\n'),
    expect: { body: { matches: '^status: ok$' } },
    status: 'FAIL',
    says: 'status: degraded',
  },
  'a service that answers with an error fails': {
    answers: (_, response) => response.writeHead(500).end(),
    status: 'FAIL',
    says: '"status":500',
  },
  'a service that never ends its answer fails in time': {
    answers: (_, response) => response.write('a'),
    timeoutMs: 300,
    status: 'FAIL',
    says: 'no whole answer within 300 ms',
  },
  'a service that answers more than is read fails': {
    answers: (_, response) => response.end(Buffer.alloc(1024 * 1024 + 1)),
    status: 'FAIL',
    says: 'a body over 1048576 bytes',
  },
  'a service that closes the connection fails': {
    answers: (request) => request.socket.destroy(),
    status: 'FAIL',
    says: 'ECONNRESET',
  },
  'a service that echoes a secret leaves none in the evidence': {
    answers: (_, response) => response.end('token correct-horse-battery-staple'),
    expect: { body: { matches: 'token .*' } },
    status: 'PASS',
    says: '[redacted]',
  },
};

describe('an http check', function () {
  this.timeout(10_000);

  it('has seven rows', () => {
    expect(Object.keys(rows)).to.have.length(7);
  });

  for (const [sentence, { answers, expect: wanted, timeoutMs = 5000, status, says }] of Object.entries(rows)) {
    it(sentence, async () => {
      await using service = await startService(answers);
      const answer = await askOnce(
        { secrets: { governance_ro: 'correct-horse-battery-staple' } },
        { kind: 'http', params: { url: service.url, ...(wanted === undefined ? {} : { expect: wanted }) }, timeoutMs },
      );
      expect(answer.status, answer.text).to.equal(status);
      if (says !== undefined) expect(answer.text).to.include(says);
      expect(answer.text).not.to.include('correct-horse');
    });
  }

  it('does not follow a redirection to elsewhere, and elsewhere is never asked', async () => {
    await using elsewhere = await startService((_, response) => response.end('ok'));
    await using service = await startService((_, response) =>
      response.writeHead(302, { location: elsewhere.url }).end(),
    );
    const answer = await askOnce({}, { kind: 'http', params: { url: service.url } });
    expect(answer.status, answer.text).to.equal('FAIL');
    expect(answer.text).to.include(`"location":"${elsewhere.url}"`);
    expect(elsewhere.requestCount()).to.equal(0);
    expect(service.requestCount()).to.equal(1);
  });

  it('fails, and is not unknown, when nobody listens', async () => {
    const gone = await startService((_, response) => response.end());
    await gone[Symbol.asyncDispose]();
    const answer = await askOnce({}, { kind: 'http', params: { url: gone.url } });
    expect(answer.status).to.equal('FAIL');
    expect(answer.text).to.include('ECONNREFUSED');
  });

  it('is blocked for an address that is not loopback, and asks nobody', async () => {
    const answer = await askOnce({}, { kind: 'http', params: { url: 'http://198.51.100.7/' } });
    expect(answer.status).to.equal('BLOCKED');
    expect(answer.text).to.include('check-params-malformed');
  });
});

async function startService(answers: RequestListener) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answers(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requestCount: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
