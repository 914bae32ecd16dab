import { expect } from 'chai';
import { type RemovalObservation, removalKind } from '../../../../shared/ledger/kinds/removal.ts';
import { checkStatus } from '../../../../shared/ledger/status.ts';

const PATH = '/opt/incomex/dot/iu-cutter-v0.6';
const good: RemovalObservation = {
  found: 'installation',
  pathIsThere: false,
  added: [],
  removed: ['path:iu-cutter-v0.6'],
  changed: [],
  durationMs: 3,
};

describe('shared/ledger/kinds/removal', () => {
  const ROWS: readonly [string, Partial<RemovalObservation>, string][] = [
    ['passes when the one path is gone and nothing else differs', {}, 'PASS'],
    ['passes when there was nothing to remove', { found: 'nothing', removed: [] }, 'PASS'],
    ['fails when the path is still there', { pathIsThere: true }, 'FAIL'],
    ['P5: fails when another path went in its place', { removed: ['path:iu-cutter'] }, 'FAIL'],
    ['P5: fails when a fact of another kind went in its place', { removed: ['unit:iu-cutter-v0.6'] }, 'FAIL'],
    ['P5: fails when a second path went with it', { removed: ['path:iu-cutter', 'path:iu-cutter-v0.6'] }, 'FAIL'],
    ['fails when nothing went, although there was an installation', { removed: [] }, 'FAIL'],
    ['fails when something went, although there was no installation', { found: 'nothing' }, 'FAIL'],
    ['P5: fails when something was added', { added: ['path:left-over'] }, 'FAIL'],
    ['P5: fails when a fact without a name was added', { added: [''] }, 'FAIL'],
    ['P5: fails when a fact called "nothing" was added', { added: ['nothing'] }, 'FAIL'],
    ['P5: fails when a neighbour changed', { changed: ['anchor:iu-cutter'] }, 'FAIL'],
  ];
  for (const [title, change, status] of ROWS) {
    it(title, () => {
      const { expectations } = removalKind.judge({ path: PATH }, removalKind.observation.parse({ ...good, ...change }));
      expect(checkStatus({ came: 'to-its-end', expectations })).to.equal(status);
    });
  }
  it('has at least 12 rows', () => expect(ROWS.length).to.be.at.least(12));

  it('says which path it expected and which went', () => {
    const { expectations } = removalKind.judge({ path: PATH }, { ...good, removed: ['path:iu-cutter'] });
    expect(expectations[1]).to.include({ expected: 'path:iu-cutter-v0.6', actual: 'path:iu-cutter', met: false });
  });
});
