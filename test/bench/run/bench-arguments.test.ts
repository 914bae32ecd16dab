import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { REPOSITORY } from '../keyturn/programs.ts';
import { benchArguments } from './bench-arguments.ts';

const BENCHES = {
  ship: ['start-local', 'start-rpc', 'start', 'growth'].map((name) => ({ name })),
  govern: [{ name: 'start-of-all' }],
};

const REFUSED: readonly (readonly [what: string, argv: readonly string[], says: string])[] = [
  ['no benchmark', [], 'expected ship or govern'],
  ['a benchmark that does not exist', ['sail'], 'benchmark "sail": expected ship or govern'],
  ['two benchmarks', ['ship', 'govern'], 'benchmark "ship govern": expected ship or govern'],
  ['a figure that does not exist', ['ship', '--only', 'speed'], 'figure "speed": expected one of deploy-vs-bash'],
  ['a figure of the other benchmark', ['govern', '--only', 'deploy'], 'figure "deploy": expected one of admission'],
  ['an option that does not exist', ['ship', '--fast'], "Unknown option '--fast'"],
];

describe('the arguments of the benchmark', () => {
  it('stand for a full run of all figures unless they say otherwise', () => {
    const nothing = { bench: 'ship', isQuick: false, isJson: false, only: [], programs: undefined, out: undefined };
    expect(benchArguments(['ship'], BENCHES)).to.deep.equal(nothing);
  });

  it('name one figure, or all whose names begin so', () => {
    expect(benchArguments(['ship', '--only', 'start'], BENCHES).only).to.deep.equal(['start']);
    expect(benchArguments(['ship', '--only', 'start-', '--only', 'g'], BENCHES).only).to.deep.equal([
      'start-local',
      'start-rpc',
      'growth',
    ]);
  });

  it('name figures of the benchmark that is asked for', () => {
    expect(benchArguments(['govern', '--only', 'start'], BENCHES)).to.deep.include({
      bench: 'govern',
      only: ['start-of-all'],
    });
  });

  for (const [what, argv, says] of REFUSED) {
    it(`with ${what} are refused before anything is started, with the usage`, () => {
      const run = spawnSync(process.execPath, [join(REPOSITORY, 'scripts', 'bench.ts'), ...argv], { encoding: 'utf8' });
      expect(run.status).to.equal(64);
      expect(run.stderr).to.contain(says).and.to.contain('usage: npm run bench -- ship|govern');
      expect(run.stdout).to.equal('');
    });
  }
});
