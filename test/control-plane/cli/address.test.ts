import { expect } from 'chai';
import { parseAddress } from '../../../control-plane/cli/address.ts';
import { UsageError } from '../../../shared/service/failure.ts';

describe('an address on the command line', () => {
  for (const [text, host, port] of [
    ['127.0.0.1:7443', '127.0.0.1', 7443],
    ['control.example.org:0', 'control.example.org', 0],
    ['[::1]:65535', '::1', 65535],
  ] as const) {
    it(`reads ${text}`, () => expect(parseAddress(text, '--listen')).to.deep.equal({ host, port }));
  }

  const REFUSED = [
    '',
    'abc',
    ':7443',
    'host:',
    'host:port',
    'host:65536',
    '::1:7443',
    'a b:1',
    'http://host:80',
    '[::1]',
  ];
  for (const text of REFUSED) {
    it(`refuses "${text}", quotes it, and says what is expected`, () => {
      expect(() => parseAddress(text, '--listen')).to.throw(UsageError, `--listen "${text}": expected HOST:PORT`);
    });
  }
});
