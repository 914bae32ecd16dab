import { expect } from 'chai';
import { exampleResults } from './example-results.ts';
import { resultLine } from './result-line.ts';

describe('the last line of the benchmark', () => {
  it('is one JSON object on one line, with the members that are promised', () => {
    const line = resultLine('ship', exampleResults);
    expect(line).not.to.contain('\n');
    expect(JSON.parse(line)).to.deep.equal({
      bench: 'ship',
      figures: [
        { name: 'deploy', value: 0.9, unit: 'ratio', target: '<= 1', met: true },
        { name: 'rate', value: 0.1235, unit: 'ratio', target: '>= 0.5', met: false },
        { name: 'left-out', value: null, unit: 'MiB', target: '<= 64', met: false, reason: 'missing: /usr/sbin/nginx' },
      ],
    });
  });
});
