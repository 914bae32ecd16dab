import { expect } from 'chai';
import { statOf } from './tree-transfer.ts';

const STATS = `
Number of files: 5,101 (reg: 5,000, dir: 101)
Total bytes sent: 423,637
Total bytes received: 692
`;

describe('what rsync says of itself', () => {
  it('is read with its thousands', () => {
    expect(statOf(STATS, 'Total bytes sent')).to.equal(423_637);
    expect(statOf(STATS, 'Total bytes received')).to.equal(692);
  });

  it('is not made up', () => {
    expect(() => statOf(STATS, 'Total bytes')).to.throw('rsync does not tell its "Total bytes"');
  });
});
