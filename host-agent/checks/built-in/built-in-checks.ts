import type { Observe } from '../observe.ts';
import { observeAnchor } from './anchor.ts';
import { observeExecutionClosed } from './execution-closed.ts';
import { observeFingerprintBefore } from './fingerprint-before.ts';
import { observeInstalledTree } from './installed-tree.ts';
import { observeNothingRuns } from './nothing-runs.ts';
import { observeOnePathAdded } from './one-path-added.ts';
import { observePlanLocked } from './plan-locked.ts';
import { observeReceived } from './received.ts';
import { observeRehearsal } from './rehearsal.ts';
import { observeRemoval } from './removal.ts';
import { observeRollbackDefined } from './rollback-defined.ts';
import { observeSecretsPresent } from './secrets-present.ts';
import { observeSpace } from './space.ts';
import { observeTargetFree } from './target-free.ts';
import { observeTools } from './tools.ts';

/** Keyturn's own checks of G3, G4, G7 and a removal, by kind: each release gets them, whatever its plan says. */
export const builtInChecks: ReadonlyMap<string, Observe> = new Map<string, Observe>([
  ['target-free', observeTargetFree],
  ['plan-locked', observePlanLocked],
  ['tools', observeTools],
  ['secrets-present', observeSecretsPresent],
  ['space', observeSpace],
  ['rollback-defined', observeRollbackDefined],
  ['fingerprint-before', observeFingerprintBefore],
  ['anchor', observeAnchor],
  ['received', observeReceived],
  ['installed-tree', observeInstalledTree],
  ['one-path-added', observeOnePathAdded],
  ['rehearsal', observeRehearsal],
  ['nothing-runs', observeNothingRuns],
  ['execution-closed', observeExecutionClosed],
  ['removal', observeRemoval],
]);
