import { expect } from 'chai';
import { RejectedError } from '../../../shared/errors.ts';
import { GENESIS } from '../../../shared/ledger/entry.ts';
import { assertHeadCovers, signHead, verifyHead } from '../../../shared/ledger/head.ts';
import { parseEnvelope } from '../../../shared/trust/dsse.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { ledgerFixture } from '../../support/ledger-fixture.ts';

const fixture = ledgerFixture();
const { headFacts, hostKey, entries } = fixture;
const audience = { publicKey: hostKey.publicKeyPem, run: 'run-7', host: 'devhost-1' };

describe('shared/ledger/head', () => {
  it('gives back what the host signed', () => {
    const { app, version, ...facts } = headFacts;
    expect(verifyHead(signHead(headFacts, hostKey), audience)).to.deep.equal({
      ...facts,
      subject: `${app}-${version}`,
    });
  });

  it('is an in-toto statement about the tree of the release', () => {
    const statement = JSON.parse(parseEnvelope(signHead(headFacts, hostKey)).payload.toString());
    expect(statement._type).to.equal('https://in-toto.io/Statement/v1');
    expect(statement.predicateType).to.equal('https://keyturn.dev/attestation/ledger-head/v1');
    expect(statement.subject).to.deep.equal([{ name: 'iu-cutter-0.6', digest: { sha256: headFacts.treeDigest } }]);
    expect(Object.keys(statement.predicate)).to.deep.equal([
      'at',
      'head',
      'host',
      'planDigest',
      'policyDigest',
      'run',
      'size',
    ]);
  });

  it('signs the same bytes for the same facts', () => {
    expect(signHead(headFacts, hostKey).equals(signHead(headFacts, hostKey))).to.equal(true);
  });

  for (const [title, change] of Object.entries({
    'an empty ledger': { size: 0 },
    'a digest that no entry has': { head: GENESIS },
    'an instant without milliseconds': { at: '2026-05-21T09:00:00Z' },
    'a run without a name': { run: '' },
  })) {
    it(`does not sign ${title}`, () => {
      expect(() => signHead({ ...headFacts, ...change }, hostKey)).to.throw();
    });
  }

  it('refuses a head by a key that is not the one asked for, whatever its keyid says', () => {
    const other = generateKey();
    const head = signHead(headFacts, { ...other, keyId: hostKey.keyId, sign: (bytes) => other.sign(bytes) });
    expect(() => verifyHead(head, audience))
      .to.throw(RejectedError)
      .with.property('code', 'signature-threshold-not-met');
  });

  it('covers exactly its entries', () => {
    const head = verifyHead(fixture.bundle.head, audience);
    assertHeadCovers(head, entries);
    expect(() => assertHeadCovers(head, entries.slice(1)))
      .to.throw(RejectedError)
      .with.property('code', 'ledger-head-size-mismatch');
    expect(() => assertHeadCovers(head, entries.toReversed()))
      .to.throw(RejectedError)
      .with.property('code', 'ledger-head-mismatch');
    expect(() => assertHeadCovers(head, []))
      .to.throw(RejectedError)
      .with.property('code', 'ledger-head-size-mismatch');
  });
});
