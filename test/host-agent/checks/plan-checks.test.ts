import { expect } from 'chai';
import { planChecks } from '../../../host-agent/checks/plan-checks.ts';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';

describe('the checks that a plan may name', () => {
  it('are fourteen, and each kind that a plan may name has one', () => {
    expect([...planChecks.keys()].sort()).to.deep.equal([...planKinds.keys()].sort());
    expect(planChecks.size).to.equal(14);
  });
});
