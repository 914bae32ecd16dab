/**
 * G7: a rollback is rehearsed, not claimed. The one path is moved away, the host is shown to be as it was before the
 * installation, the path is moved back and shown to be what was signed.
 *
 * 1. However it ends, the installation is moved back; only a crash, or somebody who takes its place meanwhile, can
 *    leave it aside, and then the next call (or `tidy`) puts it back first.
 * 2. Both moves are one rename each: nobody sees half an installation.
 */

import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { type Installation, isAside, moveAside, moveBack } from './aside.ts';
import { captureFacts, type FingerprintOptions } from './fingerprint.ts';
import { compareFingerprints, type Fingerprint, type FingerprintDifference } from './fingerprint-difference.ts';
import type { InstallContext } from './install-context.ts';
import { KEYTURN_FOLDER } from './places.ts';
import { proveTree } from './prove-tree.ts';

export interface RehearsalReport {
  /** `nothing-to-roll-back-to`: the root is empty without this installation. Both are rehearsed alike. */
  readonly state: 'rehearsed' | 'nothing-to-roll-back-to';
  /** Names that stand in the install root without this installation, sorted. */
  readonly rollsBackTo: readonly string[];
  /** Between the host before the installation and the host with the installation moved away. */
  readonly difference: FingerprintDifference;
  /** Of the installation after it was moved back. */
  readonly treeDigest: Sha256;
  /** How long it took until the path was free, and until it stood again. */
  readonly movedAsideMs: number;
  readonly movedBackMs: number;
  /** The whole rehearsal, both proofs included. */
  readonly durationMs: number;
  /** A crash had left the installation aside. */
  readonly wasInterrupted: boolean;
}

export interface RehearsalOptions extends Omit<FingerprintOptions, 'places' | 'signal'> {
  /** Taken before the installation. */
  readonly before: Fingerprint;
}

/**
 * Errors: `RejectedError` with `nothing-installed`, `not-our-installation`, `installation-twice`, `target-present` or
 * `rehearsed-tree-differs`; `TransientError`; the signal's reason.
 */
export async function rehearse(
  installation: Installation & Pick<InstallContext, 'signal' | 'manifest'>,
  options: RehearsalOptions,
): Promise<RehearsalReport> {
  const { places, signal } = installation;
  const startedAtMs = performance.now();
  const wasInterrupted = isAside(installation) && !standingAt(places.installPath);
  if (wasInterrupted) moveBack(installation);
  let movedBackMs = 0;
  const movedAsideMs = timedMs(() => {
    if (moveAside(installation) === 'nothing-there') {
      throw new RejectedError('nothing-installed', `failed to rehearse: nothing stands at "${places.installPath}"`);
    }
  });
  const away = await lookWhileAway().finally(() => {
    movedBackMs = timedMs(() => moveBack(installation));
  });
  const { digest } = await proveTree(places.installPath, { context: installation, code: 'rehearsed-tree-differs' });
  return {
    state: away.rollsBackTo.length === 0 ? 'nothing-to-roll-back-to' : 'rehearsed',
    ...away,
    treeDigest: digest,
    movedAsideMs,
    movedBackMs,
    durationMs: Math.round(performance.now() - startedAtMs),
    wasInterrupted,
  };

  async function lookWhileAway() {
    const after = await captureFacts({ ...options, places, signal });
    const rollsBackTo = readdirSync(places.installRoot)
      .filter((name) => name !== KEYTURN_FOLDER)
      .sort();
    return { difference: compareFingerprints(options.before, after), rollsBackTo };
  }
}

function timedMs(work: () => void): number {
  const startedAtMs = performance.now();
  work();
  return Math.round(performance.now() - startedAtMs);
}
