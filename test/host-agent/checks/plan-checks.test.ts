import { expect } from 'chai';
import { planChecks } from '../../../host-agent/checks/plan-checks.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import { PLAN_KINDS } from './check-world.ts';

describe('the checks that a plan may name', () => {
  it('are fourteen, each with a kind that everybody who reads a ledger knows', () => {
    expect([...planChecks.keys()].sort()).to.deep.equal([...PLAN_KINDS.keys()].sort());
    expect(planChecks.size).to.equal(14);
    for (const [name, kind] of PLAN_KINDS) expect(checkKinds.get(name), name).to.equal(kind);
  });
});
