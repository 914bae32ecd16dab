import { expect } from 'chai';
import { found, missing, resolveTarget } from '../../../shared/release/entrypoint-target.ts';

const TREE: Readonly<Record<string, number>> = {
  'bin/run': 0o755,
  'bin/notes': 0o644,
  'app/cli.py': 0o644,
  'app/pkg/__main__.py': 0o644,
  'main.js': 0o644,
  link: 0o777,
};
const places = {
  modeInTree: (path: string) => TREE[path],
  findProgram: (program: string) =>
    ['python3', 'node', '/usr/bin/python3.12'].includes(program)
      ? found(`program ${program}`)
      : missing(`no program ${program}`),
};

const ROWS: readonly (readonly [argv: readonly string[], to: string | undefined])[] = [
  [['bin/run'], 'bin/run'],
  [['./bin/run', '--fast'], 'bin/run'],
  [['link'], undefined],
  [['./link'], 'link'],
  [['bin/notes'], undefined],
  [['bin/gone'], undefined],
  [['python3', '-m', 'app.cli', 'x'], 'app/cli.py'],
  [['python3', '-m', 'app.pkg'], 'app/pkg/__main__.py'],
  [['python3', '-W', 'error', '-m', 'app.cli'], 'app/cli.py'],
  [['/usr/bin/python3.12', 'app/cli.py'], 'app/cli.py'],
  [['python3', '-m', 'app.orchestrate'], undefined],
  [['python3', '-m'], undefined],
  [['python3', '-m', '../../etc/passwd'], undefined],
  [['python3', '-c', 'print(1)'], 'code in its own arguments'],
  [['python3'], undefined],
  [['node', 'main.js'], 'main.js'],
  [['node', '--eval', '1'], undefined],
  [['node', 'gone.js'], undefined],
  [['no-such-program'], undefined],
  [[], undefined],
];

describe('entrypoint target', () => {
  for (const [argv, to] of ROWS) {
    it(`${to === undefined ? 'is missing' : `is ${to}`} for [${argv.join(', ')}]`, () => {
      const target = resolveTarget(argv, places);
      expect(target.resolves).to.equal(to !== undefined);
      if (to !== undefined) expect(target.to).to.equal(to);
    });
  }

  it('has twenty rows', () => expect(ROWS).to.have.length(20));
});
