/** Every kind of check that this version knows, by name. A kind that is not here proves nothing. */
import type { AnyCheckKind } from '../check-kind.ts';
import { absentKind } from './absent.ts';
import { anchorKind } from './anchor.ts';
import { artifactDigestKind } from './artifact-digest.ts';
import { artifactScanKind } from './artifact-scan.ts';
import { buildEnvironmentKind } from './build-environment.ts';
import { declaredEntrypointsKind } from './declared-entrypoints.ts';
import { declaredVersionKind } from './declared-version.ts';
import { dryrunKind } from './dryrun.ts';
import { entrypointKind } from './entrypoint.ts';
import { execKind } from './exec.ts';
import { executionClosedKind } from './execution-closed.ts';
import { fileKind } from './file.ts';
import { fingerprintBeforeKind } from './fingerprint-before.ts';
import { flagKind } from './flag.ts';
import { httpKind } from './http.ts';
import { installedTreeKind } from './installed-tree.ts';
import { noProcessKind } from './no-process.ts';
import { noServiceKind } from './no-service.ts';
import { nothingRunsKind } from './nothing-runs.ts';
import { onePathAddedKind } from './one-path-added.ts';
import { planLockedKind } from './plan-locked.ts';
import { portKind } from './port.ts';
import { receivedKind } from './received.ts';
import { refusesLiveKind } from './refuses-live.ts';
import { rehearsalKind } from './rehearsal.ts';
import { removalKind } from './removal.ts';
import { reportKind } from './report.ts';
import { repositoryKind } from './repository.ts';
import { rollbackDefinedKind } from './rollback-defined.ts';
import { secretsPresentKind } from './secrets-present.ts';
import { sourceScanKind } from './source-scan.ts';
import { sourceTestsKind } from './source-tests.ts';
import { spaceKind } from './space.ts';
import { sqlKind } from './sql.ts';
import { targetFreeKind } from './target-free.ts';
import { toolsKind } from './tools.ts';
import { treeKind } from './tree.ts';

/** Kinds that a plan may name. */
export const PLAN_KINDS: readonly AnyCheckKind[] = [
  execKind,
  fileKind,
  treeKind,
  anchorKind,
  absentKind,
  noServiceKind,
  noProcessKind,
  portKind,
  flagKind,
  entrypointKind,
  refusesLiveKind,
  sqlKind,
  httpKind,
  dryrunKind,
];

/** Keyturn's own: each release gets them, no plan can name one. */
const OWN_KINDS: readonly AnyCheckKind[] = [
  buildEnvironmentKind,
  repositoryKind,
  sourceTestsKind,
  sourceScanKind,
  declaredVersionKind,
  declaredEntrypointsKind,
  artifactDigestKind,
  artifactScanKind,
  targetFreeKind,
  planLockedKind,
  toolsKind,
  secretsPresentKind,
  spaceKind,
  rollbackDefinedKind,
  fingerprintBeforeKind,
  receivedKind,
  installedTreeKind,
  onePathAddedKind,
  rehearsalKind,
  nothingRunsKind,
  executionClosedKind,
  removalKind,
  reportKind,
];

export const planKinds: ReadonlyMap<string, AnyCheckKind> = byName(PLAN_KINDS);
export const checkKinds: ReadonlyMap<string, AnyCheckKind> = byName([...PLAN_KINDS, ...OWN_KINDS]);

function byName(kinds: readonly AnyCheckKind[]): ReadonlyMap<string, AnyCheckKind> {
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}
