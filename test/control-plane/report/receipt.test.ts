import { expect } from 'chai';
import { buildFinalDocument, buildProvingDocuments } from '../../../control-plane/report/documents.ts';
import {
  compareWithLedger,
  isFounded,
  receiptOf,
  standingWarnings,
  withSigned,
} from '../../../control-plane/report/receipt.ts';
import { reportSetOf } from '../../../control-plane/report/report-set.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { REPORT_FILES } from '../../../shared/ledger/kinds/report.ts';
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { ledgerFixture } from '../../support/ledger-fixture.ts';

const hostKey = generateKey();
const OTHER_DIGEST = sha256('something else');

function ledgerWith(
  receipt: EvidenceResult | undefined,
  lastPhase: 'proven' | 'rolledBack' = 'proven',
): VerifiedLedger {
  return ledgerFixture({ hostKey, lastPhase, results: { 'g8.report': receipt } }).read();
}

function receiptFor(documents: readonly { name: string; sha256: string }[]): EvidenceResult {
  return { did: 'observe', observation: { documents: [...documents], sinks: [] } };
}

/** 01 to 07 as they were before the receipt, and the run with it. */
const early = reportSetOf(buildProvingDocuments(ledgerWith(undefined))).files;
const signedDigests = early.map(({ name, sha256: digest }) => ({ name, sha256: digest }));
const ledger = ledgerWith(receiptFor(signedDigests));
const now = reportSetOf([...buildProvingDocuments(ledger), buildFinalDocument(ledger)]).files;
const settled = withSigned(now, { kept: early, receipt: receiptOf(ledger) });
const contents = new Map(settled.map(({ name, content }) => [name, content as Uint8Array]));

function standingsOf(documents: ReadonlyMap<string, Uint8Array>, of = ledger): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { standing } of compareWithLedger(of, documents)) counts[standing] = (counts[standing] ?? 0) + 1;
  return counts;
}

describe('control-plane/report/receipt', () => {
  it('names the files of a report set as a receipt may name them', () => {
    expect(now.map(({ name }) => name)).to.deep.equal(REPORT_FILES);
  });

  it('keeps what the host signed, and makes of the complete ledger only what it did not sign', () => {
    expect(settled.slice(0, 21).map(({ sha256: digest }) => digest)).to.deep.equal(early.map((file) => file.sha256));
    expect(settled.slice(21)).to.deep.equal(now.slice(21));
    expect(early.every((file, index) => file.sha256 !== now[index]?.sha256)).to.equal(true);
  });

  it('keeps nothing that is kept under the name of what the host signed and differs', () => {
    const kept = early.map((file) => ({ ...file, content: Buffer.concat([file.content, Buffer.from(' ')]) }));
    expect(withSigned(now, { kept, receipt: receiptOf(ledger) })).to.deep.equal(now);
    expect(withSigned(now, { kept: early, receipt: new Map() })).to.deep.equal(now);
    expect(withSigned(now, { kept: [], receipt: receiptOf(ledger) })).to.deep.equal(now);
  });

  it('finds a whole report signed, and its last document to follow', () => {
    expect(standingsOf(contents)).to.deep.equal({ signed: 21, follows: 3 });
    const rows = compareWithLedger(ledger, contents);
    expect([isFounded(rows), standingWarnings(rows)]).to.deep.equal([true, []]);
  });

  it('finds a report without a receipt to follow from the ledger, before the host has recorded it', () => {
    const rows = compareWithLedger(ledgerWith(undefined), new Map(early.map(({ name, content }) => [name, content])));
    expect(rows.every(({ standing, signedSha256 }) => standing === 'follows' && signedSha256 === undefined)).to.equal(
      true,
    );
    expect([isFounded(rows), standingWarnings(rows)]).to.deep.equal([true, []]);
  });

  it('tells of each document that was made anew after the host had signed it', () => {
    const later = ledgerWith(receiptFor(signedDigests), 'rolledBack');
    const files = reportSetOf([...buildProvingDocuments(later), buildFinalDocument(later)]).files;
    const rows = compareWithLedger(later, new Map(files.map(({ name, content }) => [name, content])));
    expect(isFounded(rows)).to.equal(true);
    expect(standingWarnings(rows)).to.have.length(21);
    expect(standingWarnings(rows)[0]).to.equal(
      `document "01-environment-and-authority.md" was made anew from the ledger since the host signed ${signedDigests[0]?.sha256}`,
    );
  });

  for (const name of REPORT_FILES) {
    it(`finds one changed byte of ${name}, and its absence`, () => {
      const original = Buffer.from(contents.get(name) as Uint8Array);
      const changed = Buffer.from(original);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      const rows = compareWithLedger(ledger, new Map([...contents, [name, changed]]));
      const isSigned = !name.startsWith('08');
      expect(rows.filter(({ standing }) => !['signed', 'follows'].includes(standing))).to.deep.equal([
        {
          name,
          standing: isSigned ? 'differs' : 'unfounded',
          sha256: sha256(changed),
          signedSha256: isSigned ? sha256(original) : undefined,
        },
      ]);
      expect(isFounded(rows)).to.equal(false);
      expect(standingWarnings(rows)).to.have.length(1);
      const without = compareWithLedger(ledger, new Map([...contents].filter(([file]) => file !== name)));
      expect(isFounded(without)).to.equal(!isSigned);
      expect(standingWarnings(without)).to.have.length(isSigned ? 1 : 0);
    });
  }

  it('does not believe a receipt that is none: of another shape, of a gap, of nothing', () => {
    const receipts: (EvidenceResult | undefined)[] = [
      undefined,
      receiptFor([{ name: '../x', sha256: OTHER_DIGEST }]),
      { did: 'observe', observation: { documents: 'all' } },
      { did: 'leave-a-gap', statement: 'no sink', owner: 'ops', route: 'later' },
      { did: 'lose', reason: 'power cut' },
    ];
    for (const receipt of receipts) expect(receiptOf(ledgerWith(receipt)).size).to.equal(0);
  });

  it('holds to the first digest of a name that a receipt has twice', () => {
    const [first] = signedDigests;
    const twice = ledgerWith(receiptFor(first ? [first, { ...first, sha256: OTHER_DIGEST }] : []));
    expect(receiptOf(twice).get(first?.name ?? '')).to.equal(first?.sha256);
  });
});
