import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { exampleResults } from '../measure/example-results.ts';
import { describeMachine } from '../measure/machine.ts';
import { writeResults } from './write-results.ts';

describe('the files of a benchmark', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (scale: string) =>
    writeResults(join(folder, 'results'), {
      bench: 'ship',
      scale,
      startedAt: '2026-03-02T09:00:00.000Z',
      endedAt: '2026-03-02T09:30:00.000Z',
      commit: 'f00',
      machine: describeMachine(folder),
      loadPerCore: { before: 0.1, after: 0.9 },
      figures: exampleResults,
    }).map((path) => ({ name: path.replace(/^.*\//, ''), text: readFileSync(path, 'utf8') }));

  it('are a document, a page and a chart, dated by the start', () => {
    expect(write('full').map(({ name }) => name)).to.deep.equal([
      'ship-2026-03-02.json',
      'ship-2026-03-02.md',
      'ship-2026-03-02.svg',
    ]);
  });

  it('hold every reading, the machine, and why a figure is missing', () => {
    const [json] = write('full');
    const document = JSON.parse(json?.text ?? '');
    expect(
      document.figures.map(({ name, target }: { name: string; target: string }) => ({ name, target })),
    ).to.deep.equal([
      { name: 'deploy', target: '<= 1' },
      { name: 'rate', target: '>= 0.5' },
      { name: 'left-out', target: '<= 64' },
    ]);
    expect(document.figures[0].sides[0].readings).to.deep.equal([800, 900, 1000]);
    expect(document.figures[2].reason).to.equal('missing: /usr/sbin/nginx');
    expect(document.machine.cores).to.be.at.least(1);
  });

  it('say on the page how many targets are met, and what a reader must know', () => {
    const [, page] = write('full');
    expect(page?.text).to.contain('1 of 3 targets met').and.to.contain('- whole deploy ÷ bash: confined & quick');
    expect(page?.text).to.contain('](ship-2026-03-02.svg)').and.to.contain('load per core before 0.10, after 0.90');
  });

  it('do not take the place of a full run when the run was quick, and say so', () => {
    const [json, page] = write('quick');
    expect(json?.name).to.equal('ship-2026-03-02-quick.json');
    expect(page?.text).to.contain('A quick run: fewer readings of smaller things');
  });
});
