/** Which checks may be observed at the same time: of each kind it is said here, too, so that nobody changes it unseen. */
import { expect } from 'chai';
import { bearsCompany } from '../../../host-agent/checks/bears-company.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import type { PlannedCheck } from '../../../shared/ledger/planned-checks.ts';

const ALONE: Readonly<Record<string, string>> = {
  dryrun: 'it works on live data, and its counts are compared before and after',
  'fingerprint-before': 'a neighbour at work could be a process that refers to the target',
  'one-path-added': 'a neighbour at work is a process that refers to the target',
  'no-process': 'a neighbour at work is a process of the installation',
  'nothing-runs': 'a neighbour at work is a process that refers to the target',
  rehearsal: 'it moves the installation',
  removal: 'it moves the installation',
};
const IN_COMPANY = [
  'absent',
  'anchor',
  'entrypoint',
  'exec',
  'execution-closed',
  'file',
  'flag',
  'http',
  'installed-tree',
  'no-service',
  'plan-locked',
  'port',
  'received',
  'refuses-live',
  'rollback-defined',
  'secrets-present',
  'space',
  'sql',
  'target-free',
  'tools',
  'tree',
];
/** What no host observes: the build machine has, or the control plane will. */
const NOT_OBSERVED = /^(build-environment|repository|source-|declared-|artifact-|report$)/;

function checkOf(kind: string, params: PlannedCheck['params'] = {}): PlannedCheck {
  return { id: 'x', gate: 'G5', kind, params, seenBy: 'host', timeoutMs: undefined };
}

describe('bearing company', () => {
  it('is said of every kind that a host observes', () => {
    const kinds = [...checkKinds.keys()].filter((kind) => !NOT_OBSERVED.test(kind));
    expect([...Object.keys(ALONE), ...IN_COMPANY].sort()).to.deep.equal(kinds.sort());
  });

  for (const [kind, why] of Object.entries(ALONE)) {
    it(`no other check runs beside "${kind}": ${why}`, () => {
      expect(bearsCompany(checkOf(kind), checkKinds)).to.equal(false);
    });
  }

  for (const kind of IN_COMPANY) {
    it(`other checks may run beside "${kind}"`, () => {
      expect(bearsCompany(checkOf(kind), checkKinds)).to.equal(true);
    });
  }

  it('none may beside a process that has the network of the host', () => {
    expect(bearsCompany(checkOf('exec', { argv: ['true'], network: true }), checkKinds)).to.equal(false);
    expect(bearsCompany(checkOf('exec', { argv: ['true'], network: false }), checkKinds)).to.equal(true);
  });

  it('none may beside a check of a kind that nobody knows', () => {
    expect(bearsCompany(checkOf('toString'), checkKinds)).to.equal(false);
  });
});
