import { expect } from 'chai';
import { type ClaimName, makeClaim, NOT_PROVEN } from '../../../control-plane/report/claims.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { type FixtureOptions, ledgerFixture, PROMISED, saw } from '../../support/ledger-fixture.ts';

const NAMES: readonly ClaimName[] = [
  'production-mutation',
  'host-mutation',
  'execution-enabled',
  'neighbours',
  'installed',
  'nothing-runs',
  'live-refused',
  'rollback-rehearsed',
];

/** Which claims fall when that one check is no pass. */
const FALLS: Readonly<Record<string, readonly ClaimName[]>> = {
  dry: ['production-mutation'],
  'no-live': ['production-mutation', 'live-refused'],
  'g3.target-free': ['host-mutation'],
  'g4.received': ['installed'],
  'g4.installed-tree': ['installed'],
  'g4.one-path-added': ['production-mutation', 'host-mutation', 'installed'],
  'g3.anchors-before': ['production-mutation', 'host-mutation', 'neighbours'],
  'g4.anchors-after': ['production-mutation', 'host-mutation', 'neighbours', 'installed'],
  'g7.anchors-rehearsed': ['production-mutation', 'host-mutation', 'neighbours'],
  'g7.rehearsal': ['production-mutation', 'rollback-rehearsed'],
  'g7.nothing-runs': ['production-mutation', 'nothing-runs'],
  'g7.execution-closed': ['production-mutation', 'execution-enabled'],
  unit: [],
  'g8.report': [],
};

const NOT_A_PASS: Readonly<Record<string, EvidenceResult | undefined>> = {
  failed: saw('something else'),
  blocked: { did: 'block', reason: 'no sandbox', needs: [] },
  'a gap': { did: 'leave-a-gap', statement: 's', owner: 'o', route: 'r' },
  lost: { did: 'lose', reason: 'restart' },
  'not run': { did: 'not-run', reason: 'earlier gate' },
  'left out': undefined,
};

const fallen = (options: FixtureOptions) => {
  const ledger = ledgerFixture(options).read();
  return NAMES.filter((name) => makeClaim(ledger, name).value.value === NOT_PROVEN);
};

describe('control-plane/report/claims', () => {
  it('proves every claim of a run in which everything passed', () => {
    const ledger = ledgerFixture().read();
    expect(NAMES.map((name) => makeClaim(ledger, name).value.value)).to.deep.equal([
      'NONE',
      'additive only',
      'False',
      'UNTOUCHED',
      'NEW, side-by-side',
      'NONE',
      'refused',
      'YES',
    ]);
  });

  for (const [id, names] of Object.entries(FALLS)) {
    it(`says NOT PROVEN of ${names.join(', ') || 'nothing'} when ${id} is no pass, in whichever way`, () => {
      for (const [how, result] of Object.entries(NOT_A_PASS)) {
        expect(fallen({ results: { [id]: result } }), how).to.have.members([...names]);
      }
    });
  }

  it('says NOT PROVEN where the plan has no check that could prove it', () => {
    expect(fallen({ gates: [] })).to.have.members(['production-mutation', 'live-refused']);
    expect(fallen({ preserve: [] })).to.have.members(['neighbours']);
  });

  it('does not say that an installation stands after it was rolled back', () => {
    expect(fallen({ lastPhase: 'rolledBack' })).to.have.members(['installed', 'host-mutation']);
  });

  const path = '/opt/incomex/dot/iu-cutter';
  const read = (digit: string) => ({ is: 'folder', digest: digit.repeat(64) });
  const UNSTEADY: Readonly<Record<string, object>> = {
    'another digest at one station': { anchors: [{ path, reads: [read('a'), read('a'), read('a')] }] },
    'two digests in one station': { anchors: [{ path, reads: [read('a'), read('b')] }] },
    'a read that found nothing': { anchors: [{ path, reads: [{ is: 'missing' }] }] },
    'another neighbour': { anchors: [{ path: '/elsewhere', reads: [read('a')] }] },
    'no neighbour': { anchors: [] },
    'no reading at all': {},
  };
  for (const [title, extras] of Object.entries(UNSTEADY)) {
    it(`does not say that neighbours are untouched when a station that passed has ${title}`, () => {
      const results = { 'g7.anchors-rehearsed': saw(PROMISED, extras as never) };
      expect(fallen({ results })).to.have.members(['production-mutation', 'host-mutation', 'neighbours']);
    });
  }

  it('names the entries behind a claim, and for what is missing the first and the last', () => {
    const passed = makeClaim(ledgerFixture().read(), 'execution-enabled');
    expect(passed.evidence).to.deep.equal(['run-7#0', 'run-7#26']);
    const missing = makeClaim(
      ledgerFixture({ results: { 'g7.execution-closed': undefined } }).read(),
      'execution-enabled',
    );
    expect(missing.evidence).to.deep.equal(['run-7#0', 'run-7#27']);
    expect(Object.keys(FALLS).length * Object.keys(NOT_A_PASS).length).to.be.at.least(80);
  });
});
