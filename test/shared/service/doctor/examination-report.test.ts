import { expect } from 'chai';
import type { Examined } from '../../../../shared/service/doctor/examination.ts';
import { examinationDocument, examinationLines } from '../../../../shared/service/doctor/examination-report.ts';

const EXAMINED: readonly Examined[] = [
  { name: 'home', diagnoses: [{ level: 'ok', statement: '/home' }] },
  {
    name: 'keys',
    diagnoses: [
      { level: 'trouble', statement: 'root: open', mend: 'chmod 600 root' },
      { level: 'warning', statement: 'host "\u001b[2Jweb\u202e"\nis gone' },
    ],
  },
];

describe('the report of a doctor', () => {
  it('is a table with the mending command below what it mends, and what it comes to', () => {
    expect(examinationLines(EXAMINED, { hasColours: false })).to.deep.equal([
      'home  ok       /home',
      'keys  trouble  root: open',
      '               mend: chmod 600 root',
      '      warning  host "\\u{1b}[2Jweb\\u{202e}"\\u{a}is gone',
      '',
      '1 trouble, 1 warning',
    ]);
  });

  it('colours the level alone, and only when asked', () => {
    const lines = examinationLines(EXAMINED, { hasColours: true });
    expect(lines[0]).to.equal('home  \u001b[32mok     \u001b[0m  /home');
    expect(lines[1]).to.equal('keys  \u001b[31mtrouble\u001b[0m  root: open');
    expect(lines[3]).to.include('\u001b[33mwarning\u001b[0m');
    expect(lines.join('')).to.not.include('\u001b[2J');
  });

  it('says so when nothing is wrong', () => {
    const [fine] = EXAMINED;
    expect(examinationLines(fine ? [fine] : [], { hasColours: false }).at(-1)).to.equal('nothing is wrong here');
  });

  it('is one document with everything as it is', () => {
    expect(examinationDocument(EXAMINED)).to.deep.equal({
      examinations: EXAMINED,
      troubleCount: 1,
      warningCount: 1,
    });
  });
});
