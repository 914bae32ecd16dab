import { httpKind } from '../../../../shared/ledger/kinds/http.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const url = 'http://127.0.0.1:8080/health';
const whole = { came: 'whole', status: 200, bodyBytes: 2 };

describe('the judge of http', () => {
  judgesRows(
    httpKind,
    {
      'passes on 200, which is the default': { params: { url }, seen: { url, answer: whole }, status: 'PASS' },
      'passes on a body that matches': {
        params: { url, expect: { body: { matches: 'ok' } } },
        seen: { url, answer: { ...whole, body: { matched: 'yes', excerpt: 'ok' } } },
        status: 'PASS',
      },
      'fails on another status': {
        params: { url },
        seen: { url, answer: { ...whole, status: 500 } },
        status: 'FAIL',
        unmet: ['status'],
      },
      'fails on a redirection': {
        params: { url },
        seen: { url, answer: { ...whole, status: 302, location: 'http://elsewhere.example/' } },
        status: 'FAIL',
        unmet: ['status'],
      },
      'fails on a body that nobody looked at': {
        params: { url, expect: { body: { matches: 'ok' } } },
        seen: { url, answer: whole },
        status: 'FAIL',
        unmet: ['body'],
      },
      'fails when no answer came': {
        params: { url, expect: { body: { matches: 'ok' } } },
        seen: { url, answer: { came: 'not', reason: 'ECONNREFUSED' } },
        status: 'FAIL',
        unmet: ['status'],
      },
      'fails when another address answered': {
        params: { url },
        seen: { url: 'http://127.0.0.2/', answer: whole },
        status: 'FAIL',
        unmet: ['url'],
      },
    },
    7,
  );
});

describe('the parameters of http', () => {
  readsParams(httpKind, {
    good: [{ url }, { url: 'http://[::1]:9/' }, { url: 'http://127.8.8.8/', expect: { status: 404 } }],
    bad: {
      'refuses another host': { url: 'http://198.51.100.7/' },
      'refuses a name, even localhost': { url: 'http://localhost/' },
      'refuses a name that begins like loopback': { url: 'http://127.0.0.1.example.com/' },
      'refuses a user before the address': { url: 'http://127.0.0.1@198.51.100.7/' },
      'refuses every address at once': { url: 'http://0.0.0.0/' },
      'refuses another address of this host': { url: 'http://[::ffff:10.0.0.1]/' },
      'refuses other schemes': { url: 'file:///etc/passwd' },
      'refuses https, whose certificate nobody would check': { url: 'https://127.0.0.1/' },
    },
    count: 8,
  });
});
