import { expect } from 'chai';
import fc from 'fast-check';

import {
  checkStatus,
  type Expectation,
  type GateStatus,
  type Judgement,
  STATUSES,
  VERDICT_EXIT_CODES,
  verdictOf,
  worst,
} from '../../../shared/ledger/status.ts';

const status = fc.constantFrom(...STATUSES);
const expectation: fc.Arbitrary<Expectation> = fc.record({
  what: fc.string(),
  expected: fc.string(),
  actual: fc.string(),
  met: fc.boolean(),
});
const gate: fc.Arbitrary<GateStatus> = fc.record({ gate: fc.string(), status, gapsAccepted: fc.boolean() });
const RUNS = { numRuns: 500 };

describe('shared/ledger/status', () => {
  const JUDGEMENTS: readonly [string, Judgement | undefined, string][] = [
    ['a check without evidence is not run', undefined, 'NOT_RUN'],
    ['a check whose expectations are met passes', ended(true, true), 'PASS'],
    ['a check with one unmet expectation fails', ended(true, false), 'FAIL'],
    ['a check that expected nothing proves nothing', ended(), 'UNKNOWN'],
    ['a check that left a gap is partial', { came: 'to-a-gap' }, 'PARTIAL'],
    ['a check that could not start is blocked', { came: 'to-a-block' }, 'BLOCKED'],
    ['a check whose result is lost is unknown', { came: 'to-nothing' }, 'UNKNOWN'],
    ['a check that was left out is not run', { came: 'not-run' }, 'NOT_RUN'],
  ];
  for (const [title, judgement, expected] of JUDGEMENTS) {
    it(title, () => expect(checkStatus(judgement)).to.equal(expected));
  }

  it('passes a check only when it has at least one expectation and all are met', () => {
    fc.assert(
      fc.property(fc.array(expectation, { maxLength: 8 }), (expectations) => {
        const isPass = checkStatus({ came: 'to-its-end', expectations }) === 'PASS';
        expect(isPass).to.equal(expectations.length > 0 && expectations.every(({ met }) => met));
      }),
      RUNS,
    );
  });

  it('takes the worst of statuses: commutative, associative, idempotent, and never better than a member', () => {
    fc.assert(
      fc.property(status, status, status, (a, b, c) => {
        expect(worst([a, b])).to.equal(worst([b, a]));
        expect(worst([worst([a, b]), c])).to.equal(worst([a, worst([b, c])]));
        expect(worst([a, a])).to.equal(a);
        for (const member of [a, b, c]) {
          expect(STATUSES.indexOf(worst([a, b, c]))).to.be.at.least(STATUSES.indexOf(member));
        }
        expect([a, b, c]).to.include(worst([a, b, c]));
      }),
      RUNS,
    );
  });

  it('calls silence not run', () => {
    expect(worst([])).to.equal('NOT_RUN');
    expect(verdictOf([])).to.equal('D');
  });

  it('gives A only to gates that all passed, and B only where all that is missing is an accepted gap', () => {
    fc.assert(
      fc.property(fc.array(gate, { maxLength: 10 }), (gates) => {
        const verdict = verdictOf(gates);
        const statuses = gates.map((row) => row.status);
        expect(verdict === 'A').to.equal(gates.length > 0 && statuses.every((each) => each === 'PASS'));
        if (verdict === 'B') {
          expect(statuses).to.include('PARTIAL');
          expect(
            gates.every((row) => row.status === 'PASS' || (row.status === 'PARTIAL' && row.gapsAccepted)),
          ).to.equal(true);
        }
        expect(verdict === 'C').to.equal(statuses.includes('FAIL'));
      }),
      RUNS,
    );
  });

  it('makes no verdict better by one more gate', () => {
    fc.assert(
      fc.property(fc.array(gate, { minLength: 1, maxLength: 8 }), gate, (gates, more) => {
        if (verdictOf(gates) !== 'A') expect(verdictOf([...gates, more])).to.not.equal('A');
        if (!'AB'.includes(verdictOf(gates))) expect(verdictOf([...gates, more])).to.not.be.oneOf(['A', 'B']);
      }),
      RUNS,
    );
  });

  it('ends the command line with 0 for verdict A alone', () => {
    expect(Object.entries(VERDICT_EXIT_CODES).filter(([, code]) => code === 0)).to.deep.equal([['A', 0]]);
    expect(new Set(Object.values(VERDICT_EXIT_CODES)).size).to.equal(4);
  });
});

function ended(...met: boolean[]): Judgement {
  return {
    came: 'to-its-end',
    expectations: met.map((isMet) => ({ what: 'it', expected: 'x', actual: isMet ? 'x' : 'y', met: isMet })),
  };
}
