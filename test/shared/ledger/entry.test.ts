import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { RejectedError } from '../../../shared/errors.ts';
import {
  checkLink,
  GENESIS,
  type LedgerEntryBody,
  parseEntry,
  sealEntry,
  verifyChain,
} from '../../../shared/ledger/entry.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { ledgerFixture, sealAll } from '../../support/ledger-fixture.ts';

const { entries } = ledgerFixture();
const context = { run: 'run-7', host: 'devhost-1', at: '2026-05-21T09:00:00.000Z' };
const entered: LedgerEntryBody = { type: 'phase-entered', from: 'admitted', to: 'preflight', reason: 'go' };

describe('shared/ledger/entry', () => {
  it('begins at zero behind 64 zeros, and each entry names the one before', () => {
    const first = sealEntry(undefined, context, entered);
    const second = sealEntry(first, context, entered);
    expect([first.entry.seq, first.entry.previous]).to.deep.equal([0, GENESIS]);
    expect([second.entry.seq, second.entry.previous]).to.deep.equal([1, first.digest]);
    verifyChain([first, second]);
  });

  it('has a digest that a few lines of any language can compute', () => {
    for (const { bytes, digest } of entries) {
      expect(createHash('sha256').update('keyturn-ledger-entry/v1\0').update(bytes).digest('hex')).to.equal(digest);
    }
  });

  it('reads back exactly what it sealed, whatever a reason says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (reason) => {
        const sealed = sealEntry(undefined, context, { ...entered, reason });
        const read = parseEntry(sealed.bytes);
        expect(read).to.deep.equal(sealed);
        expect(encodeCanonical(read.entry).equals(sealed.bytes)).to.equal(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its own copy of the bytes', () => {
    const bytes = Buffer.from(entries[0]!.bytes);
    const read = parseEntry(bytes);
    bytes.fill(0);
    expect(read.bytes.equals(entries[0]!.bytes)).to.equal(true);
  });

  it('accepts every true chain and no other order of its entries', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...entries.keys()], { minLength: 1 }), (order) => {
        const isPrefix = order.every((index, at) => index === at);
        const verify = () => verifyChain(order.map((index) => entries[index]!));
        if (isPrefix) verify();
        else expect(verify).to.throw(RejectedError).with.property('code', 'ledger-chain-broken');
      }),
      { numRuns: 300 },
    );
  });

  it('tells a chain of another run or host by the entry where it changes', () => {
    const other = sealAll([entered, entered], { run: 'run-8', host: 'devhost-1' });
    const first = sealEntry(undefined, context, entered);
    const mixed = sealEntry(first, { ...context, run: other[1]!.entry.run }, entered);
    expect(() => checkLink(first, mixed))
      .to.throw(RejectedError)
      .with.property('code', 'ledger-mixed');
  });

  it('has no entry behind the last number that a ledger may have', () => {
    const first = sealEntry(undefined, context, entered);
    const beforeLast = { ...first, entry: { ...first.entry, seq: LIMITS.ledgerEntryCount - 2 } };
    const last = sealEntry(beforeLast, context, entered);
    expect(last.entry.seq).to.equal(LIMITS.ledgerEntryCount - 1);
    expect(() => sealEntry(last, context, entered)).to.throw();
  });
});
