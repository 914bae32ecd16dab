/** Puts a driver together from the parts of this host: install steps, checks, sandbox, secrets, execution gate. */
import { availableParallelism } from 'node:os';
import type { Json } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { executionClosedKind } from '../../shared/ledger/kinds/execution-closed.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import { encodeManifest } from '../../shared/release/manifest.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { builtInChecks } from '../checks/built-in/built-in-checks.ts';
import type { CheckContext, SecretSource } from '../checks/observe.ts';
import { planChecks } from '../checks/plan-checks.ts';
import { type Observed, observeCheck } from '../checks/run-check.ts';
import type { GateView } from '../gate/gate-keeper.ts';
import { lookAtGate } from '../gate/read-gates.ts';
import type { BlobSource } from '../install/blob-source.ts';
import type { InstallContext, InstallEffect } from '../install/install-context.ts';
import { promote, wasPromoted } from '../install/promote.ts';
import { type ReceiveReport, receive } from '../install/receive.ts';
import { remove } from '../install/remove.ts';
import { stage } from '../install/stage.ts';
import { tidy } from '../install/tidy.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type OpenedRun, openRun } from './open-run.ts';
import { type InstallSteps, type ReceiveWatch, RunDriver, type RunDriverOptions } from './run-driver.ts';
import type { RunStore } from './run-store.ts';

export interface HostParts {
  readonly host: string;
  readonly database: JournalDatabase;
  readonly store: RunStore;
  readonly blobs: BlobSource;
  readonly blobCache: string;
  readonly secrets: SecretSource;
  readonly sandbox: Sandbox | undefined;
  /** How many checks are observed at a time; as many as there are processors unless said. */
  readonly atOnce?: number;
  readonly rootPrefix: string;
  /** The agent's own folders: no check sees them. */
  readonly hidden: readonly string[];
  readonly now: () => Date;
  /** Measures waits; the system's by default. */
  readonly clock?: Clock;
  readonly waitToRetry: (attempt: number) => Promise<void>;
  readonly onTrouble?: RunDriverOptions['onTrouble'];
  readonly onProgress: RunDriverOptions['onProgress'];
  readonly signal: AbortSignal;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

export function assembleDriver(parts: HostParts): RunDriver {
  const { store, rootPrefix, hidden } = parts;
  return new RunDriver({
    store,
    kinds: checkKinds,
    open: (run) => openRun(run, { store, rootPrefix, hidden }),
    install: installSteps(parts),
    observe: (opened, check, signal) => observeOnHost(parts, { opened, check, signal }),
    // Without a sandbox they share a /tmp, and each can write what another reads.
    atOnce: parts.sandbox ? (parts.atOnce ?? availableParallelism()) : 1,
    waitToRetry: parts.waitToRetry,
    now: parts.now,
    clock: parts.clock ?? systemClock,
    signal: parts.signal,
    onProgress: parts.onProgress,
    ...(parts.onTrouble && { onTrouble: parts.onTrouble }),
    ...(parts.testOnlyAtBoundary && { testOnlyAtBoundary: parts.testOnlyAtBoundary }),
  });
}

function installSteps(parts: HostParts): InstallSteps {
  /** What this process has received, by run: what another one has left may be anything after a power cut. */
  const received = new Map<string, Map<string, Sha256>>();
  const within = (opened: OpenedRun) =>
    installContext(parts, { opened, readBefore: received.get(opened.run) ?? new Map() });
  const receiveAll = async (opened: OpenedRun, { signal, onBytes }: ReceiveWatch): Promise<ReceiveReport> => {
    const context = { ...within(opened), signal };
    const report = await receive(context, {
      source: parts.blobs,
      onProgress: ({ receivedBytes, totalBytes }) => onBytes(receivedBytes, totalBytes),
    });
    received.set(opened.run, context.readBefore);
    return report;
  };
  return {
    receive: async (opened, watch) => {
      opened.facts.save('received', (await receiveAll(opened, watch)) as unknown as Json);
    },
    stage: async (opened, watch) => {
      if (!received.has(opened.run) && !wasPromoted(within(opened))) await receiveAll(opened, watch);
      await stage(within(opened));
    },
    promote: async (opened) => {
      await promoteOrFindPromoted(within(opened));
      received.delete(opened.run);
    },
    remove: async (opened) => void (await remove(within(opened))),
    tidy: async (opened) => void (await tidy(within(opened))),
  };
}

/**
 * A tree that this run promoted before a crash, and that somebody changed since, counts as promoted: G4 sees what is wrong
 * with it, and a run that fails there is undone.
 */
async function promoteOrFindPromoted(context: InstallContext): Promise<void> {
  try {
    await promote(context);
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'installed-tree-differs') throw error;
  }
}

async function observeOnHost(
  parts: HostParts,
  { opened, check, signal }: { opened: OpenedRun; check: PlannedCheck; signal: AbortSignal },
): Promise<Observed> {
  const { release, manifest, places, facts, policy, run } = opened;
  if (check.kind === executionClosedKind.kind) {
    const gate = lookAtGate(parts.database, release.statement.app, { nowMs: () => parts.now().getTime() });
    facts.save('execution-gate', closedOr(gate));
  }
  const context: CheckContext & TestSeam = {
    run,
    check,
    release,
    manifest,
    places,
    facts,
    secrets: parts.secrets,
    sandbox: parts.sandbox,
    sandboxRule: policy.sandbox,
    signal,
    ...testSeam(parts),
  };
  return observeCheck(context, { planChecks, builtInChecks, kinds: checkKinds, now: parts.now });
}

/** A gate that cannot be told opens for nothing: it counts as closed, with the reason. */
function closedOr(gate: GateView): { state: string; reason: string } {
  if (gate.state !== 'open') return { state: 'closed', reason: gate.reason };
  return { state: 'open', reason: `an order is open until ${new Date(gate.untilMs).toISOString()}` };
}

function installContext(
  parts: HostParts,
  { opened, readBefore }: { opened: OpenedRun; readBefore: Map<string, Sha256> },
): InstallContext {
  const { run, release, manifest, places } = opened;
  return {
    run,
    host: parts.host,
    release,
    manifest,
    manifestDigest: sha256(encodeManifest(manifest)),
    places,
    blobCache: parts.blobCache,
    readBefore,
    now: () => parts.now().toISOString(),
    signal: parts.signal,
    ...testSeam(parts),
  };
}

type TestSeam = Pick<InstallContext, 'testOnlyAfterEffect'>;

/** The rehearsal, a check, moves the installation as the steps do: a test can end the process in the middle of it, too. */
function testSeam({ testOnlyAtBoundary: boundary }: HostParts): TestSeam {
  return boundary ? { testOnlyAfterEffect: (effect: InstallEffect) => boundary(`did ${effect}`) } : {};
}
