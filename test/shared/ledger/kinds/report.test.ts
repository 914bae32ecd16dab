import { expect } from 'chai';
import {
  REPORT_DOCUMENTS,
  REPORT_FILES,
  type ReportObservation,
  reportKind,
} from '../../../../shared/ledger/kinds/report.ts';
import { checkStatus } from '../../../../shared/ledger/status.ts';

const documents = REPORT_FILES.slice(0, 21).map((name, index) => ({
  name,
  sha256: (index % 10).toString().repeat(64),
}));
const final = { name: '08-final-report.md', sha256: 'a'.repeat(64) };
const sinks = [
  { kind: 'folder', location: '/srv/reports', ok: true },
  { kind: 'git', location: '/srv/kb', ok: true },
];
const good: ReportObservation = { documents, sinks };

describe('shared/ledger/kinds/report', () => {
  const ROWS: readonly [string, ReportObservation, string][] = [
    ['passes when all documents have a digest and every sink took them', good, 'PASS'],
    ['passes with more documents than asked for', { ...good, documents: [...documents, final] }, 'PASS'],
    ['fails with a file less, whichever it is', { ...good, documents: documents.slice(1) }, 'FAIL'],
    [
      'fails with as many files as documents, when they are of three',
      { ...good, documents: documents.slice(0, 7) },
      'FAIL',
    ],
    ['fails with the final report in the place of another', { ...good, documents: documents.with(4, final) }, 'FAIL'],
    ['fails when one document is counted twice', { ...good, documents: documents.with(6, documents[0]!) }, 'FAIL'],
    ['fails when one is there twice over', { ...good, documents: [...documents, documents[0]!] }, 'FAIL'],
    [
      'fails when a document has no digest',
      { ...good, documents: documents.with(3, { ...documents[3]!, sha256: '' }) },
      'FAIL',
    ],
    [
      'fails when a document more has no digest',
      { ...good, documents: [...documents, { ...final, sha256: 'x' }] },
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
  it('has at least 12 rows', () => expect(ROWS.length).to.be.at.least(12));

  it('misses each file of 01 to 07 by its name', () => {
    for (const { name } of documents) {
      const rest = documents.filter((document) => document.name !== name);
      const [generated] = reportKind.judge({ documents: 7 }, { ...good, documents: rest }).expectations;
      expect(generated).to.include({ met: false, actual: `20 files, without ${name}` });
    }
  });

  it('names the sink that failed as a finding', () => {
    const { findings } = reportKind.judge({ documents: 7 }, { ...good, sinks: [{ ...sinks[1]!, ok: false }] });
    expect(findings).to.deep.equal([
      { code: 'sink-failed', statement: 'the git sink "/srv/kb" did not take the documents' },
    ]);
  });

  const STRANGE_NAMES = [
    ...[
      '',
      '.',
      '..',
      '../x',
      '/etc/passwd',
      '01',
      '01-environment-and-authority',
      '03-artifact.md/..',
      './03-artifact.md',
    ],
    ...['03-artifact.exe', '03-artifact.md ', '03-ARTIFACT.md', '03-artifact.md\n', '03-artifact.md\0', '09-more.md'],
    ...['03-other.md', '3-artifact.md', 'C:\\03-artifact.md', '\u202e03-artifact.md', 'x'.repeat(255)],
  ];
  for (const name of STRANGE_NAMES) {
    it(`takes no document called ${JSON.stringify(name.slice(0, 40))}`, () => {
      const observation = { ...good, documents: documents.with(0, { name, sha256: 'a'.repeat(64) }) };
      expect(reportKind.observation.safeParse(observation).success).to.equal(false);
    });
  }
  it('has at least 20 such names', () => expect(STRANGE_NAMES.length).to.be.at.least(20));

  it('takes each of the 24 files of a report set', () => {
    expect(REPORT_FILES).to.have.length(24);
    const all = REPORT_FILES.map((name) => ({ name, sha256: 'a'.repeat(64) }));
    expect(reportKind.observation.safeParse({ ...good, documents: all }).success).to.equal(true);
    expect(REPORT_DOCUMENTS.map((name) => name.slice(0, 3))).to.deep.equal(
      [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `0${number}-`),
    );
  });

  it('takes no status, no other field and no number of documents that there cannot be', () => {
    expect(reportKind.observation.safeParse({ ...good, status: 'PASS' }).success).to.equal(false);
    for (const count of [0, 9, 1.5]) expect(reportKind.params.safeParse({ documents: count }).success).to.equal(false);
  });
});
