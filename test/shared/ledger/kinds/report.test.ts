import { expect } from 'chai';
import { type ReportObservation, reportKind } from '../../../../shared/ledger/kinds/report.ts';
import { checkStatus } from '../../../../shared/ledger/status.ts';

const documents = Array.from({ length: 7 }, (_, index) => ({
  name: `0${index + 1}`,
  sha256: String(index).repeat(64),
}));
const sinks = [
  { kind: 'folder', location: '/srv/reports', ok: true },
  { kind: 'git', location: '/srv/kb', ok: true },
];
const good: ReportObservation = { documents, sinks };

describe('shared/ledger/kinds/report', () => {
  const ROWS: readonly [string, ReportObservation, string][] = [
    ['passes when all documents have a digest and every sink took them', good, 'PASS'],
    [
      'passes with more documents than asked for',
      { ...good, documents: [...documents, { name: '08', sha256: 'a'.repeat(64) }] },
      'PASS',
    ],
    ['fails with a document less', { ...good, documents: documents.slice(1) }, 'FAIL'],
    ['fails when one document is counted twice', { ...good, documents: documents.with(6, documents[0]!) }, 'FAIL'],
    [
      'fails when a document has no digest',
      { ...good, documents: documents.with(3, { name: '04', sha256: '' }) },
      'FAIL',
    ],
    [
      'fails when a document more has no digest',
      { ...good, documents: [...documents, { name: '08', sha256: 'x' }] },
      'FAIL',
    ],
    [
      'fails when one sink of several did not take them',
      { ...good, sinks: [sinks[0]!, { ...sinks[1]!, ok: false }] },
      'FAIL',
    ],
    ['fails when they went nowhere', { ...good, sinks: [] }, 'FAIL'],
    ['fails with nothing at all', { documents: [], sinks: [] }, 'FAIL'],
  ];
  for (const [title, observation, status] of ROWS) {
    it(title, () => {
      const { expectations } = reportKind.judge({ documents: 7 }, reportKind.observation.parse(observation));
      expect(checkStatus({ came: 'to-its-end', expectations })).to.equal(status);
    });
  }

  it('names the sink that failed as a finding', () => {
    const { findings } = reportKind.judge({ documents: 7 }, { ...good, sinks: [{ ...sinks[1]!, ok: false }] });
    expect(findings).to.deep.equal([
      { code: 'sink-failed', statement: 'the git sink "/srv/kb" did not take the documents' },
    ]);
  });

  it('takes no status, no other field and no document without a name', () => {
    expect(reportKind.observation.safeParse({ ...good, status: 'PASS' }).success).to.equal(false);
    expect(
      reportKind.observation.safeParse({ ...good, documents: [{ name: '', sha256: 'a'.repeat(64) }] }).success,
    ).to.equal(false);
    expect(reportKind.params.safeParse({ documents: 0 }).success).to.equal(false);
    expect(ROWS.length).to.be.at.least(9);
  });
});
