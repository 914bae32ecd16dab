import { expect } from 'chai';

import {
  ENROLMENT_BUNDLE_BYTES,
  type EnrolmentBundle,
  encodeEnrolmentBundle,
  parseEnrolmentBundle,
} from '../../../shared/rpc/enrolment-bundle.ts';
import { codeOf } from '../../support/rejection-of.ts';

const FILE = Buffer.from('{"signed":{}}');
const BUNDLE: EnrolmentBundle = {
  schema: 'keyturn.enrolment/v1',
  host: 'web-1.example',
  addresses: { join: '10.0.0.1:7444', gateway: '[fd00::1]:7443' },
  caCertificate: '-----BEGIN CERTIFICATE-----\n',
  token: 'A'.repeat(43),
  trust: {
    'root.json': FILE,
    'timestamp.json': FILE,
    'snapshot.json': FILE,
    'targets.json': FILE,
    'release-demo.json': FILE,
  },
};
const TEXT = JSON.parse(encodeEnrolmentBundle(BUNDLE).toString()) as { trust: Record<string, string> } & Record<
  string,
  unknown
>;

const without = (name: string) => Object.fromEntries(Object.entries(TEXT.trust).filter(([file]) => file !== name));

const BUNDLES: Readonly<Record<string, unknown>> = {
  'a field that is not known': { ...TEXT, extra: 1 },
  'another schema': { ...TEXT, schema: 'keyturn.enrolment/v2' },
  'a host that is no DNS name': { ...TEXT, host: '../web-1' },
  'a token that is too short': { ...TEXT, token: 'A'.repeat(42) },
  'an address without a port': { ...TEXT, addresses: { join: '10.0.0.1', gateway: '10.0.0.1:1' } },
  'an address with a path': { ...TEXT, addresses: { join: '10.0.0.1:1/x', gateway: '10.0.0.1:1' } },
  'no root': { ...TEXT, trust: without('root.json') },
  'no timestamp: a fresh host could be shown an older state': { ...TEXT, trust: without('timestamp.json') },
  'no snapshot': { ...TEXT, trust: without('snapshot.json') },
  'an empty root': { ...TEXT, trust: { ...TEXT.trust, 'root.json': '' } },
  'a root that is no base64': { ...TEXT, trust: { ...TEXT.trust, 'root.json': 'not base64!' } },
  'a file name that leaves the folder': { ...TEXT, trust: { ...TEXT.trust, '../x.json': 'AAAA' } },
  'a list': [],
  'a null': null,
};

describe('shared/rpc/enrolment-bundle', () => {
  it('gives back what was put in', () => {
    expect(parseEnrolmentBundle(encodeEnrolmentBundle(BUNDLE))).to.deep.equal(BUNDLE);
  });

  it('has a row for each broken bundle', () => {
    expect(Object.keys(BUNDLES)).to.have.length(14);
  });

  for (const [story, bundle] of Object.entries(BUNDLES)) {
    it(`refuses ${story}`, async () => {
      const parsing = (async () => parseEnrolmentBundle(Buffer.from(JSON.stringify(bundle))))();
      expect(await codeOf(parsing)).to.equal('enrolment-bundle-malformed');
    });
  }

  it('refuses what is no JSON, and what is too large before it is read', async () => {
    const parse = (bytes: Buffer) => codeOf((async () => parseEnrolmentBundle(bytes))());
    expect(await parse(Buffer.from('garbage'))).to.equal('enrolment-bundle-malformed');
    expect(await parse(Buffer.from([0xff, 0xfe]))).to.equal('enrolment-bundle-malformed');
    expect(await parse(Buffer.alloc(ENROLMENT_BUNDLE_BYTES + 1, ' '))).to.equal('enrolment-bundle-malformed');
  });
});
