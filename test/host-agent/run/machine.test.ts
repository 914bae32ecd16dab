import { expect } from 'chai';
import fc from 'fast-check';
import {
  admittedRun,
  type Effect,
  isResting,
  nextEffect,
  type RunState,
  step,
} from '../../../host-agent/run/machine.ts';
import type { PlannedCheck } from '../../../shared/ledger/planned-checks.ts';
import { STATUSES, type Status } from '../../../shared/ledger/status.ts';

const CHECKS = [
  'g0.repository',
  'g1.source-scan',
  'g2.artifact-scan',
  'g3.tools',
  'g3.space',
  'g4.received',
  'g4.installed-tree',
  'unit',
  'g7.rehearsal',
].map(
  (id): PlannedCheck => ({
    id,
    gate: id === 'unit' ? 'G5' : id.slice(0, 2).toUpperCase(),
    kind: id,
    params: {},
    seenBy: /^g[012]\./.test(id) ? 'build' : 'host',
    timeoutMs: undefined,
  }),
);

interface Story {
  /** Status of each check that does not pass. */
  readonly statuses?: Readonly<Record<string, Status>>;
  /** Effects that are refused. */
  readonly refuses?: readonly Effect['do'][];
}

interface Told {
  readonly state: RunState;
  readonly effects: readonly string[];
}

function tell(story: Story, from: RunState = admittedRun(CHECKS)): Told {
  let state = from;
  const effects: string[] = [];
  for (let effect = nextEffect(state); effect.do !== 'rest'; effect = nextEffect(state)) {
    effects.push(effect.do === 'observe' ? effect.check : effect.do === 'enter' ? `-> ${effect.phase}` : effect.do);
    if (effect.do === 'observe')
      state = step(state, { type: 'check-observed', status: story.statuses?.[effect.check] ?? 'PASS' });
    else if (story.refuses?.includes(effect.do)) state = step(state, { type: 'effect-refused', reason: 'told so' });
    else state = step(state, { type: 'effect-done' });
  }
  return { state, effects };
}

const STORIES: Record<string, Story & { phase: RunState['phase']; installed: boolean; last: readonly string[] }> = {
  'every check passes: the run is proven and the tree stands': {
    phase: 'proven',
    installed: true,
    last: ['g7.rehearsal', 'tidy', '-> proven'],
  },
  'a sub-gap in the checks does not end the run': {
    statuses: { unit: 'PARTIAL' },
    phase: 'proven',
    installed: true,
    last: ['g7.rehearsal', 'tidy', '-> proven'],
  },
  'a failed source gate ends the run before anything is fetched': {
    statuses: { 'g1.source-scan': 'FAIL' },
    phase: 'failed',
    installed: false,
    last: ['g1.source-scan', 'tidy', '-> failed'],
  },
  'all checks of a failing preflight are observed, then the run ends': {
    statuses: { 'g3.tools': 'BLOCKED' },
    phase: 'failed',
    installed: false,
    last: ['g3.tools', 'g3.space', 'tidy', '-> failed'],
  },
  'content that is refused ends the run without a promotion': {
    refuses: ['receive'],
    phase: 'failed',
    installed: false,
    last: ['receive', 'tidy', '-> failed'],
  },
  'a promotion that is refused leaves nothing': {
    refuses: ['promote'],
    phase: 'failed',
    installed: false,
    last: ['promote', 'tidy', '-> failed'],
  },
  'tidying up that is refused ends the run all the same': {
    refuses: ['tidy'],
    phase: 'failed',
    installed: true,
    last: ['g7.rehearsal', 'tidy', '-> failed'],
  },
  'an installation that is not what was signed is removed again': {
    statuses: { 'g4.installed-tree': 'FAIL' },
    phase: 'failed',
    installed: false,
    last: ['g4.installed-tree', 'rollback.removal', 'remove', 'tidy', '-> failed'],
  },
  'evidence that was lost counts as a failure of its gate': {
    statuses: { 'g4.received': 'UNKNOWN' },
    phase: 'failed',
    installed: false,
    last: ['rollback.removal', 'remove', 'tidy', '-> failed'],
  },
  'a failed check leaves the inert tree for diagnosis': {
    statuses: { unit: 'FAIL' },
    phase: 'failed',
    installed: true,
    last: ['unit', 'tidy', '-> failed'],
  },
  'a failed rehearsal ends the run': {
    statuses: { 'g7.rehearsal': 'FAIL' },
    phase: 'failed',
    installed: true,
    last: ['g7.rehearsal', 'tidy', '-> failed'],
  },
};

describe('the machine of a run', () => {
  const rows = Object.entries(STORIES);

  for (const [sentence, story] of rows) {
    it(sentence, () => {
      const { state, effects } = tell(story);
      expect(state.phase).to.equal(story.phase);
      expect(state.isPromoted).to.equal(story.installed);
      expect(effects.slice(-story.last.length)).to.deep.equal(story.last);
    });
  }

  it('has at least ten stories', () => {
    expect(rows.length).to.be.at.least(10);
  });

  it('rolls a proven and a failed run back, and then does nothing more', () => {
    for (const status of ['PASS', 'FAIL'] as const) {
      const ended = tell({ statuses: { unit: status } }).state;
      const { state, effects } = tell({}, step(ended, { type: 'rollback-ordered' }));
      expect(effects).to.deep.equal(['rollback.removal', 'remove', 'tidy', '-> rolledBack']);
      expect(state.phase).to.equal('rolledBack');
      expect(() => step(state, { type: 'rollback-ordered' })).to.throw('invalid event rollback-ordered in rolledBack');
    }
  });

  it('refuses a rollback while a run is under way', () => {
    expect(() => step(admittedRun(CHECKS), { type: 'rollback-ordered' })).to.throw('invalid event rollback-ordered');
  });

  it('promotes only when every gate before G4 passed, whatever the statuses are', () => {
    const status = fc.constantFrom(...STATUSES);
    fc.assert(
      fc.property(fc.array(status, { minLength: CHECKS.length, maxLength: CHECKS.length }), (all) => {
        const statuses = Object.fromEntries(CHECKS.map((check, index) => [check.id, all[index] ?? 'PASS']));
        const { state, effects } = tell({ statuses });
        const early = CHECKS.filter((check) => /^G[0-3]$/.test(check.gate)).map((check) => statuses[check.id]);
        const mayPromote = early.every((one) => one === 'PASS' || one === 'PARTIAL');
        expect(effects.includes('promote')).to.equal(mayPromote);
        const everyOne = all.every((one) => one === 'PASS' || one === 'PARTIAL');
        expect(state.phase === 'proven').to.equal(everyOne);
        expect(isResting(state)).to.equal(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
