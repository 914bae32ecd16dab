/** P6: a release is ready when everything that was to be proven is, and the checklist says of the rest what is open. */
import { expect } from 'chai';
import { type ReadinessRow, readinessOf, whatIsMissing } from '../../../shared/orders/readiness.ts';
import { encodeVerifierKey } from '../../../shared/trust/verifier-key.ts';
import { LOG } from '../../support/enable-world.ts';
import { DEFAULT_GATES, type FixtureOptions, ledgerFixture, saw } from '../../support/ledger-fixture.ts';

const log = encodeVerifierKey(LOG);
const GAP = {
  did: 'leave-a-gap',
  statement: 'no live database was reachable',
  owner: 'operations',
  route: 'a run with the DSN',
} as const;
const ACCEPTED = { gate: 'G6', checkKind: 'dryrun', owner: 'Ada', route: 'ticket 7', maxAgeDays: 30 };
const DAY_MS = 24 * 60 * 60 * 1000;

function judge(options: FixtureOptions = {}, afterDays = 0) {
  const ledger = ledgerFixture({ log, ...options }).read();
  const startedMs = Date.parse(ledger.entries[0]?.entry.at ?? '');
  return readinessOf(ledger, startedMs + afterDays * DAY_MS);
}

const open = (options: FixtureOptions, afterDays = 0) =>
  judge(options, afterDays)
    .rows.filter(({ isMet }) => !isMet)
    .map(({ id }) => id);

describe('shared/orders/readiness', () => {
  it('is ready when every check passed, each with its evidence', () => {
    const { rows, isReady } = judge();
    expect([isReady, open({})]).to.deep.equal([true, []]);
    expect(rows.length).to.be.above(15);
    for (const { id, evidenceId } of rows) expect(evidenceId, id).to.match(/^run-7#\d+$/);
    expect(rows.map(({ id }) => id)).to.include.members([
      'phase',
      'unit',
      'dry',
      'g8.report',
      'live-entrypoint',
      'log',
    ]);
  });

  const OPEN: Readonly<Record<string, readonly [options: FixtureOptions, open: readonly string[]]>> = {
    'a check failed': [{ results: { unit: saw('365 of 366 passed') } }, ['unit']],
    'a check left no evidence': [{ results: { unit: undefined } }, ['unit']],
    'a check was blocked': [{ results: { unit: { did: 'block', reason: 'no python', needs: [] } } }, ['unit']],
    'a check was lost': [{ results: { unit: { did: 'lose', reason: 'timed out' } } }, ['unit']],
    'the dry run is a gap that nobody accepted': [{ results: { dry: GAP } }, ['dry']],
    'the gap that is accepted is that of another check': [
      { results: { dry: GAP }, accept: [{ ...ACCEPTED, checkKind: 'exec' }] },
      ['dry'],
    ],
    'the policy demands a gate that the plan leaves out': [{ requiredGates: ['G0', 'G9'] }, ['G9']],
    'the run failed': [{ lastPhase: 'failed' }, ['phase']],
    'it was rolled back': [{ lastPhase: 'rolledBack' }, ['phase']],
    'it is still going on': [{ lastPhase: 'checking' }, ['phase']],
    'there is no report yet': [{ results: { 'g8.report': undefined } }, ['g8.report']],
    'two things are open': [{ results: { unit: undefined, dry: GAP } }, ['unit', 'dry']],
  };
  for (const [what, [options, expected]] of Object.entries(OPEN)) {
    it(`is not ready when ${what}, and says which`, () => {
      expect(judge(options).isReady).to.equal(false);
      expect(open(options)).to.deep.equal(expected);
    });
  }

  it('is not ready under a policy that names no log', () => {
    const ledger = ledgerFixture().read();
    const { rows, isReady } = readinessOf(ledger, 0);
    expect([isReady, rows.find(({ id }) => id === 'log')?.isMet]).to.deep.equal([false, false]);
  });

  it('is ready by a sub-gap that the policy accepts, says so, and until when', () => {
    const { rows, isReady } = judge({ results: { dry: GAP }, accept: [ACCEPTED] });
    const row = rows.find(({ id }) => id === 'dry') as ReadinessRow;
    expect([isReady, row.status, row.isMet]).to.deep.equal([true, 'PARTIAL', true]);
    expect(row.reason).to.match(/^sub-gap of Ada, accepted until \d{4}-/);
  });

  it('turns the gate back on the day when an accepted sub-gap runs out', () => {
    const options = { results: { dry: GAP }, accept: [ACCEPTED] };
    expect([open(options, 29), open(options, 31)]).to.deep.equal([[], ['dry']]);
    expect(whatIsMissing(judge(options, 31))[0]).to.match(/^G6 dry is PARTIAL: the accepted sub-gap ran out at /);
  });

  it('says in a line each what is missing', () => {
    const gates = DEFAULT_GATES;
    const missing = whatIsMissing(
      judge({ gates, results: { unit: { did: 'block', reason: 'no python', needs: [] } } }),
    );
    expect(missing).to.deep.equal(['G5 unit is BLOCKED: no python']);
  });
});
