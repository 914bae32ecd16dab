import { expect } from 'chai';
import { exampleResults } from './example-results.ts';
import { markdownTable, textTable } from './table.ts';

describe('the table of figures', () => {
  it('has a line for each figure, with its columns below each other', () => {
    const [heading = '', ...lines] = textTable(exampleResults);
    expect(lines).to.have.length(exampleResults.length);
    const at = heading.indexOf('target');
    expect(lines.map((line) => line.slice(at, at + 2))).to.deep.equal(['<=', '>=', '<=']);
  });

  it('says of a figure that was not measured why, and that its target is not met', () => {
    const line = textTable(exampleResults).at(-1);
    expect(line).to.match(/^left-out +not measured +<= 64 MiB +no +missing: \/usr\/sbin\/nginx$/);
  });

  it('shows median and range of both sides', () => {
    expect(textTable(exampleResults)[1]).to.contain('keyturn 900 ms (800 to 1000); bash 1000 ms (1000 to 1000)');
  });

  it('keeps a bar in a text out of the columns of Markdown', () => {
    const [first] = exampleResults;
    if (!first) throw new Error('there is no example');
    const rows = markdownTable([{ ...first, title: 'a | b' }]);
    expect(rows).to.have.length(3);
    expect(rows[2]).to.match(/^\| a \\\| b \| 0\.9 \|/);
  });
});
