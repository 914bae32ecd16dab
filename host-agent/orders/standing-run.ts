/**
 * The release that stands on this host, as its own journal and its own disk have it: what an enable order is held against.
 *
 * 1. A run counts only while it is proven, at rest, and not rolled back.
 * 2. Its ledger is verified and judged as everybody else will; nothing of its status is remembered (P6).
 * 3. The tree and the preserved neighbours are read from disk each time; what differs is said in the words of readiness (P3).
 */

import { messageOf } from '../../shared/errors.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { StandingRelease } from '../../shared/orders/admit.ts';
import { liveEntrypoints, readinessOf, whatIsMissing } from '../../shared/orders/readiness.ts';
import { hashTreeAside } from '../../shared/store/disk-threads/hash-tree-aside.ts';
import { loadAnchorsBefore } from '../checks/built-in/check-facts.ts';
import { pathOnHost, readAnchor } from '../install/anchor.ts';
import { LEFT_OUT } from '../install/deploy-manifest.ts';
import { isResting } from '../run/machine.ts';
import { type OpenedRun, openRun } from '../run/open-run.ts';
import { loadReleasers } from '../run/releasers.ts';
import type { RunStore } from '../run/run-store.ts';

export interface StandingMeans {
  readonly store: RunStore;
  readonly hostPublicKey: string;
  readonly rootPrefix: string;
  readonly hidden: readonly string[];
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** What the disk says of an installation, beside what its ledger says. */
export interface Ground {
  readonly run: string;
  /** Of what stands there now. */
  readonly treeDigest: string;
  /** Neighbours that are not what they were, a line each. */
  readonly changed: readonly string[];
}

/** Whether the run is one whose installation stands, proven. */
export function isStanding(run: string, store: RunStore): boolean {
  if (!store.has(run) || store.isPruned(run)) return false;
  const state = store.state(run);
  return isResting(state) && state.phase === 'proven' && state.isPromoted;
}

/** Undefined for a run that does not stand. Errors: those of `hashTreeAside` and `readAnchor`, when the disk is in the way. */
export async function readGround(run: string, means: StandingMeans): Promise<Ground | undefined> {
  if (!isStanding(run, means.store)) return undefined;
  const opened = openRun(run, means);
  return { run, treeDigest: await treeDigestOf(opened, means.signal), changed: await changedAnchors(opened, means) };
}

/**
 * What an order is held against, given what the disk said; undefined when the run does not stand any more. Synchronous, so
 * that nothing happens between the look and what follows from it.
 */
export function standingRelease(ground: Ground, means: StandingMeans): StandingRelease | undefined {
  const { run, treeDigest, changed } = ground;
  if (!isStanding(run, means.store)) return undefined;
  const ledger = readOwnLedger(run, means);
  const { app, version } = ledger.admitted;
  const missing = [...whatIsMissing(readinessOf(ledger, means.nowMs())), ...changed];
  return {
    app,
    version,
    treeDigest,
    run,
    head: ledger.head.head,
    releasers: loadReleasers(means.store.facts(run)),
    liveEntrypoints: liveEntrypoints(ledger),
    notReady: missing.slice(0, LIMITS.shownReasonCount),
  };
}

/** Errors: those of `readLedgerBundle`: then the journal is not what this host wrote. */
export function readOwnLedger(
  run: string,
  { store, hostPublicKey }: Pick<StandingMeans, 'store' | 'hostPublicKey'>,
): VerifiedLedger {
  const { statement, plan, policy, 'build-record': buildRecord } = store.materials(run);
  const entries = store.entries(run).map(({ bytes }) => bytes);
  const bundle = { entries, head: store.head(run), hostPublicKey, statement, plan, buildRecord, policy };
  return readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
}

async function treeDigestOf({ places }: OpenedRun, signal: AbortSignal): Promise<string> {
  try {
    return (await hashTreeAside(places.installPath, { leaveOut: LEFT_OUT, signal })).digest;
  } catch (error) {
    signal.throwIfAborted();
    return `unreadable: ${messageOf(error)}`; // no digest equals it
  }
}

async function changedAnchors({ facts, places }: OpenedRun, { signal }: StandingMeans): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, digest] of Object.entries(loadAnchorsBefore(facts) ?? {})) {
    const reading = await readAnchor(pathOnHost(places.rootPrefix, path), { signal });
    const isSame = 'digest' in reading && reading.digest === digest;
    if (!isSame) changed.push(`"${path}" is not what it was before the installation`);
  }
  return changed;
}
