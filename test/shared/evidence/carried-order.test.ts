/** The file in which an order is carried: read is exactly what is written, and everything else is refused by a code. */
import { expect } from 'chai';
import { canonicalText, encodeCanonical } from '../../../shared/canonical-json.ts';
import { type CarriedOrder, encodeCarriedOrder, parseCarriedOrder } from '../../../shared/evidence/carried-order.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const HASH = Buffer.alloc(32, 7);
const ORDER: CarriedOrder = {
  host: 'devhost-1',
  app: 'iu-cutter',
  envelope: Buffer.from('envelope'),
  run: '01JD0000000000000000000000',
  head: 'a'.repeat(64),
  epoch: 3,
  evidenceIndex: 0,
  evidencePath: [HASH],
  logProof: Buffer.from('proof'),
  logConsistency: [],
  trust: {
    roots: [Buffer.from('root')],
    timestamp: Buffer.from('timestamp'),
    snapshot: Buffer.from('snapshot'),
    targets: Buffer.from('targets'),
  },
  policy: Buffer.from('policy'),
};

type Document = Record<string, unknown>;

const CHANGES: Readonly<Record<string, (document: Document) => unknown>> = {
  'another schema': (document) => ({ ...document, schema: 'keyturn.carried/v2' }),
  'another kind': (document) => ({ ...document, kind: 'kill' }),
  'a member too many': (document) => ({ ...document, maxAgeDays: 999 }),
  'no host': ({ host: _host, ...document }) => document,
  'a list of releases': (document) => ({ ...document, trust: { ...(document.trust as object), releases: 'QQ==' } }),
  'no root': (document) => ({ ...document, trust: { ...(document.trust as object), roots: [] } }),
  'an application that is a path': (document) => ({ ...document, app: '../etc' }),
  'an epoch below zero': (document) => ({ ...document, epoch: -1 }),
  'a head that is no digest': (document) => ({ ...document, head: 'A'.repeat(64) }),
  'a hash that is too long': (document) => ({ ...document, evidencePath: [Buffer.alloc(33).toString('base64')] }),
  'a path that is too long': (document) => ({ ...document, logConsistency: Array(65).fill('QQ==') }),
  'base64 in a second spelling': (document) => ({ ...document, envelope: 'QR==' }),
  'an envelope beyond the limit': (document) => ({
    ...document,
    envelope: Buffer.alloc(LIMITS.envelopeBytes + 1).toString('base64'),
  }),
};

describe('shared/evidence/carried-order', () => {
  const document = (): Document => JSON.parse(encodeCarriedOrder(ORDER).toString('utf8'));

  it('is read as it was written, byte for byte', () => {
    const bytes = encodeCarriedOrder(ORDER);
    expect(parseCarriedOrder(bytes)).to.deep.equal(ORDER);
    expect(encodeCarriedOrder(parseCarriedOrder(bytes)).equals(bytes)).to.equal(true);
  });

  it('has a row for each change', () => {
    expect(Object.keys(CHANGES)).to.have.length.at.least(13);
  });

  for (const [what, change] of Object.entries(CHANGES)) {
    it(`is refused with ${what}`, () => {
      const bytes = encodeCanonical(change(document()));
      expect(codeThrownBy(() => parseCarriedOrder(bytes))).to.equal('carried-malformed');
    });
  }

  it('is refused in another spelling, with a member twice, cut off, and as something else', () => {
    const text = canonicalText(document());
    const others = [`${text}\n`, text.replace('{', '{ '), text.replace('{', '{"app":"x",'), text.slice(0, -1), 'PK'];
    for (const other of others) {
      expect(codeThrownBy(() => parseCarriedOrder(Buffer.from(other)))).to.equal('not-canonical-json');
    }
  });

  it('is refused beyond its limit before it is read', () => {
    const bytes = Buffer.alloc(LIMITS.carriedOrderBytes + 1, ' ');
    expect(codeThrownBy(() => parseCarriedOrder(bytes))).to.equal('carried-too-large');
  });

  it('is not written where nobody could read it', () => {
    expect(codeThrownBy(() => encodeCarriedOrder({ ...ORDER, app: '../etc' }))).to.equal('carried-malformed');
  });
});
