import { expect } from 'chai';
import { gatesOf, installPath, type PlannedCheck, plannedChecks } from '../../../shared/ledger/planned-checks.ts';
import { CHECK_ID_PATTERN } from '../../../shared/release/plan.ts';
import { DEFAULT_GATES, ledgerFixture } from '../../support/ledger-fixture.ts';

const { release } = ledgerFixture();
const planned = plannedChecks(release);
const withPlan = (change: object) => plannedChecks({ ...release, plan: { ...release.plan, ...change } });
const ids = (checks: readonly PlannedCheck[]) => checks.map(({ id }) => id);

describe('shared/ledger/planned-checks', () => {
  it('has the nine gates in their order, the own ones of a project between G6 and G7', () => {
    expect(gatesOf(planned)).to.deep.equal(['G0', 'G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8']);
    const own = { gate: 'SECURITY', checks: [{ id: 'scan', kind: 'exec', params: {}, timeoutMs: 1 }] };
    expect(gatesOf(withPlan({ gates: [...DEFAULT_GATES, own] })).slice(-4)).to.deep.equal([
      'G6',
      'SECURITY',
      'G7',
      'G8',
    ]);
  });

  it('keeps every check of Keyturn itself in a plan that names none', () => {
    const least = withPlan({
      gates: [],
      tests: undefined,
      declaredVersion: undefined,
      entrypoints: {},
      install: { ...release.plan.install, preserve: [] },
    });
    expect(ids(least)).to.deep.equal([
      'g0.build-environment',
      'g0.repository',
      'g1.source-tests',
      'g1.source-scan',
      'g2.artifact-digest',
      'g2.artifact-scan',
      'g3.target-free',
      'g3.plan-locked',
      'g3.tools',
      'g3.space',
      'g3.rollback-defined',
      'g3.fingerprint-before',
      'g4.received',
      'g4.installed-tree',
      'g4.one-path-added',
      'g7.rehearsal',
      'g7.nothing-runs',
      'g7.execution-closed',
      'g8.report',
    ]);
  });

  it('reads neighbours at three stations as soon as one is preserved', () => {
    const anchors = planned.filter(({ kind }) => kind === 'anchor');
    expect(ids(anchors)).to.deep.equal(['g3.anchors-before', 'g4.anchors-after', 'g7.anchors-rehearsed']);
    for (const { params } of anchors) expect(params).to.deep.equal({ paths: ['/opt/incomex/dot/iu-cutter'], reads: 3 });
  });

  it('has ids that differ, and none of its own that a plan could take', () => {
    expect(new Set(ids(planned)).size).to.equal(planned.length);
    const declared = DEFAULT_GATES.flatMap(({ checks }) => checks.map(({ id }) => id));
    for (const id of ids(planned)) expect(CHECK_ID_PATTERN.test(id), id).to.equal(declared.includes(id));
  });

  it('takes expected digests from the signed statement, never from a plan', () => {
    const { statement, statementDigest } = release;
    const paramsOf = (id: string) => planned.find((check) => check.id === id)?.params;
    expect(paramsOf('g0.repository')).to.deep.equal({ commit: statement.commit });
    expect(paramsOf('g3.plan-locked')).to.deep.equal({ planDigest: statement.plan.sha256, statementDigest });
    expect(paramsOf('g4.installed-tree')).to.deep.equal({
      path: installPath(release),
      treeDigest: statement.treeDigest,
    });
  });

  it('asks that the entrypoints which checks start are real', () => {
    expect(planned.find(({ id }) => id === 'g1.declared-entrypoints')?.params).to.deep.equal({
      needed: ['dryrun', 'live'],
    });
  });

  it('installs beside what is there, under a name of its own', () => {
    expect(installPath(release)).to.equal('/opt/incomex/dot/iu-cutter-0.6');
  });
});
