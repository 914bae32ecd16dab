import { portKind } from '../../../../shared/ledger/kinds/port.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const free = { port: 8080, protocol: 'tcp', listenerCount: 0, addresses: [] };
const taken = { ...free, listenerCount: 1, addresses: ['127.0.0.1'] };

describe('the judge of port', () => {
  judgesRows(
    portKind,
    {
      'passes when a port that must be free is free': {
        params: { port: 8080, expect: 'free' },
        seen: free,
        status: 'PASS',
      },
      'fails when another has taken it': {
        params: { port: 8080, expect: 'free' },
        seen: taken,
        status: 'FAIL',
        unmet: ['listeners'],
      },
      'passes when somebody listens as expected': {
        params: { port: 8080, expect: 'listening' },
        seen: taken,
        status: 'PASS',
      },
      'fails when nobody listens': {
        params: { port: 8080, expect: 'listening' },
        seen: free,
        status: 'FAIL',
        unmet: ['listeners'],
      },
      'fails when another port was looked at': {
        params: { port: 8080, expect: 'free' },
        seen: { ...free, port: 8081 },
        status: 'FAIL',
        unmet: ['port'],
      },
      'fails when the other protocol was looked at': {
        params: { port: 8080, expect: 'free', protocol: 'udp' },
        seen: free,
        status: 'FAIL',
        unmet: ['port'],
      },
    },
    6,
  );
});

describe('the parameters of port', () => {
  readsParams(portKind, {
    good: [
      { port: 1, expect: 'free' },
      { port: 65_535, expect: 'listening', protocol: 'udp' },
    ],
    bad: {
      'refuses port 0': { port: 0, expect: 'free' },
      'refuses a port that is none': { port: 65_536, expect: 'free' },
      'refuses to expect nothing': { port: 80 },
    },
    count: 3,
  });
});
