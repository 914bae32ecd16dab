import { expect } from 'chai';
import { chartOf, shareOfTarget } from './chart.ts';
import { exampleResults } from './example-results.ts';

const SHARES = [
  { target: { is: 'at-most', value: 2 }, value: 1, share: 0.5 },
  { target: { is: 'at-most', value: 2 }, value: 4, share: 2 },
  { target: { is: 'at-most', value: 64 }, value: -3, share: 0 },
  { target: { is: 'at-least', value: 0.5 }, value: 1, share: 0.5 },
  { target: { is: 'at-least', value: 0.5 }, value: 0.25, share: 2 },
  { target: { is: 'at-least', value: 0.5 }, value: 0, share: Number.POSITIVE_INFINITY },
] as const;

describe('the chart of figures', () => {
  const chart = chartOf(exampleResults, { title: 'a & b', subtitle: 'on <this> machine' });

  for (const { target, value, share } of SHARES) {
    it(`draws ${value} as ${share} of the target ${target.is} ${target.value}`, () => {
      expect(shareOfTarget(value, target)).to.equal(share);
    });
  }

  it('is well formed: every text is escaped, every element closed', () => {
    expect(chart)
      .to.contain('a &amp; b')
      .and.to.contain('on &lt;this&gt; machine')
      .and.to.contain('rate &lt;of the stream&gt;');
    expect(chart.match(/<text/g)).to.have.length((chart.match(/<\/text>/g) ?? []).length);
    expect(chart.replaceAll(/&(amp|lt|gt|quot);/g, '')).not.to.contain('&');
  });

  it('has a bar for each figure with a value, coloured by whether it meets its target', () => {
    expect(chart.match(/<rect class="met"/g)).to.have.length(1);
    expect(chart.match(/<rect class="missed"/g)).to.have.length(1);
    expect(chart).to.contain('not measured (&lt;= 64 MiB)');
  });

  it('cuts a bar that would leave the picture, and says so with an arrow', () => {
    const widths = [...chart.matchAll(/<rect class="m\w+" x="(\d+)" y="\d+" width="([\d.]+)"/g)];
    expect(widths).to.have.length(2);
    for (const [, x, width] of widths) expect(Number(x) + Number(width)).to.be.below(1040);
    expect(chart).to.contain('→ 0.123');
  });

  it('has colours for a light and for a dark page', () => {
    expect(chart).to.contain('prefers-color-scheme: dark');
  });
});
