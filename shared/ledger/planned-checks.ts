/**
 * Every check of a run in its order: the ones that each release gets, and the ones that its plan names.
 *
 * Computed from the signed release alone, on the host and again by whoever reads the ledger; so a host cannot leave
 * a check out, and a plan cannot remove one of Keyturn's own.
 */
import type { Json } from '../canonical-json.ts';
import type { Plan, PlanCheck } from '../release/plan.ts';
import { installationName, type ReleaseStatement } from '../release/release-statement.ts';
import { secretsToHave } from '../release/secrets-to-have.ts';

export interface PlannedCheck {
  readonly id: string;
  readonly gate: string;
  readonly kind: string;
  readonly params: Readonly<Record<string, Json>>;
  /** Where the evidence comes from: the build record, the host, or the control plane's receipt. */
  readonly seenBy: 'build' | 'host' | 'report';
  readonly timeoutMs: number | undefined;
}

export interface SignedRelease {
  readonly statement: ReleaseStatement;
  readonly plan: Plan;
  /** SHA-256 of the statement's bytes. */
  readonly statementDigest: string;
}

/** How often an anchor is read at each of its three stations. */
export const ANCHOR_READ_COUNT = 3;

export const GATE_TITLES: Readonly<Record<string, string>> = {
  G0: 'environment',
  G1: 'source',
  G2: 'artifact',
  G3: 'preflight',
  G4: 'install',
  G5: 'checks',
  G6: 'dry run',
  G7: 'rollback',
  G8: 'report',
  ROLLBACK: 'removal',
};

/** The path that an installation adds, as the plan says it (before a host's root prefix). */
export function installPath(release: SignedRelease): string {
  return `${release.plan.install.root}/${installationName(release.statement.app, release.statement.version)}`;
}

export function plannedChecks(release: SignedRelease): PlannedCheck[] {
  return [
    ...environmentChecks(release),
    ...sourceChecks(release),
    ...artifactChecks(release),
    ...preflightChecks(release),
    ...installChecks(release),
    ...declaredChecks(release.plan),
    ...rollbackChecks(release),
    check('G8', 'report', { seenBy: 'report', params: { documents: 7 } }),
  ];
}

/** The proof of a removal; part of a ledger only once a removal was begun. */
export function removalCheck(release: SignedRelease): PlannedCheck {
  const path = installPath(release);
  return { ...check('ROLLBACK', 'removal', { params: { path } }), id: 'rollback.removal' };
}

/** The gates in the order in which they run. */
export function gatesOf(checks: readonly PlannedCheck[]): string[] {
  return [...new Set(checks.map((planned) => planned.gate))];
}

function environmentChecks({ statement }: SignedRelease): PlannedCheck[] {
  return [
    check('G0', 'build-environment', { seenBy: 'build', params: {} }),
    check('G0', 'repository', { seenBy: 'build', params: { commit: statement.commit } }),
  ];
}

function sourceChecks({ plan, statement }: SignedRelease): PlannedCheck[] {
  // A release without tests of its own gets the row all the same: what was not run is a gap, not a silence (P6).
  const { min, failed } = plan.tests ?? { min: 0, failed: 0 };
  const version =
    plan.declaredVersion &&
    check('G1', 'declared-version', { seenBy: 'build', params: { version: statement.version } });
  const entrypoints =
    Object.keys(plan.entrypoints).length > 0 &&
    check('G1', 'declared-entrypoints', { seenBy: 'build', params: { needed: entrypointsInUse(plan) } });
  return [
    check('G1', 'source-tests', { seenBy: 'build', params: { min, failed } }),
    check('G1', 'source-scan', { seenBy: 'build', params: {} }),
    ...(version ? [version] : []),
    ...(entrypoints ? [entrypoints] : []),
  ];
}

function artifactChecks({ statement }: SignedRelease): PlannedCheck[] {
  const { archive, treeDigest } = statement;
  return [
    check('G2', 'artifact-digest', {
      seenBy: 'build',
      params: { sha256: archive.sha256, size: archive.size, treeDigest },
    }),
    check('G2', 'artifact-scan', { seenBy: 'build', params: {} }),
  ];
}

function preflightChecks(release: SignedRelease): PlannedCheck[] {
  const { plan, statement } = release;
  const path = installPath(release);
  return [
    check('G3', 'target-free', { params: { path } }),
    check('G3', 'plan-locked', {
      params: { planDigest: statement.plan.sha256, statementDigest: release.statementDigest },
    }),
    check('G3', 'tools', { params: { tools: plan.requires.tools as Record<string, Json> } }),
    ...secretsCheck(plan),
    check('G3', 'space', { params: { root: plan.install.root } }),
    check('G3', 'rollback-defined', { params: { root: plan.install.root, path } }),
    check('G3', 'fingerprint-before', { params: {} }),
    ...anchorChecks('G3', 'anchors-before', plan),
  ];
}

function installChecks(release: SignedRelease): PlannedCheck[] {
  const { plan, statement } = release;
  const path = installPath(release);
  return [
    check('G4', 'received', { params: { manifestDigest: statement.manifest.sha256 } }),
    check('G4', 'installed-tree', { params: { path, treeDigest: statement.treeDigest } }),
    check('G4', 'one-path-added', { params: { path } }),
    ...anchorChecks('G4', 'anchors-after', plan),
  ];
}

function rollbackChecks(release: SignedRelease): PlannedCheck[] {
  const path = installPath(release);
  return [
    check('G7', 'rehearsal', { params: { path, treeDigest: release.statement.treeDigest } }),
    ...anchorChecks('G7', 'anchors-rehearsed', release.plan),
    check('G7', 'nothing-runs', { params: { path } }),
    check('G7', 'execution-closed', { params: { app: release.statement.app } }),
  ];
}

function declaredChecks(plan: Plan): PlannedCheck[] {
  return plan.gates.flatMap(({ gate, checks }) => checks.map((declared) => declaredCheck(gate, declared)));
}

function declaredCheck(gate: string, { id, kind, params, timeoutMs }: PlanCheck): PlannedCheck {
  return { id, gate, kind, params: params as Record<string, Json>, seenBy: 'host', timeoutMs };
}

function secretsCheck(plan: Plan): PlannedCheck[] {
  const names = secretsToHave(plan);
  return names.length > 0 ? [check('G3', 'secrets-present', { params: { names } })] : [];
}

function anchorChecks(gate: string, id: string, { install }: Plan): PlannedCheck[] {
  if (install.preserve.length === 0) return [];
  const paths = install.preserve.map((name) => `${install.root}/${name}`);
  return [
    { ...check(gate, 'anchor', { params: { paths, reads: ANCHOR_READ_COUNT } }), id: `${gate.toLowerCase()}.${id}` },
  ];
}

/** Entrypoints that a check of the plan starts: they must resolve, the others may be a finding. */
function entrypointsInUse(plan: Plan): string[] {
  const named = plan.gates.flatMap(({ checks }) => checks.map(({ params }) => params.entrypoint));
  return [...new Set(named.filter((name) => typeof name === 'string'))].sort();
}

/** One of Keyturn's own checks: its id is `<gate>.<kind>`, which no plan can take (`g3.tools`). */
function check(
  gate: string,
  kind: string,
  options: { params: Readonly<Record<string, Json>>; seenBy?: PlannedCheck['seenBy'] },
): PlannedCheck {
  const { params, seenBy = 'host' } = options;
  return { id: `${gate.toLowerCase()}.${kind}`, gate, kind, params, seenBy, timeoutMs: undefined };
}
