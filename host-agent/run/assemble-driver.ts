/** Puts a driver together from the parts of this host: install steps, checks, sandbox, secrets, execution gate. */
import type { Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { Evidence } from '../../shared/ledger/evidence.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import { encodeManifest } from '../../shared/release/manifest.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { builtInChecks } from '../checks/built-in/built-in-checks.ts';
import type { CheckContext, SecretSource } from '../checks/observe.ts';
import { planChecks } from '../checks/plan-checks.ts';
import { observeCheck } from '../checks/run-check.ts';
import { readExecutionGate } from '../gate/execution-gate.ts';
import type { BlobSource } from '../install/blob-source.ts';
import type { InstallContext, InstallEffect } from '../install/install-context.ts';
import { promote } from '../install/promote.ts';
import { receive } from '../install/receive.ts';
import { remove } from '../install/remove.ts';
import { stage } from '../install/stage.ts';
import { tidy } from '../install/tidy.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type OpenedRun, openRun } from './open-run.ts';
import { type InstallSteps, RunDriver, type RunDriverOptions } from './run-driver.ts';
import type { RunStore } from './run-store.ts';

export interface HostParts {
  readonly host: string;
  readonly database: JournalDatabase;
  readonly store: RunStore;
  readonly blobs: BlobSource;
  readonly blobCache: string;
  readonly secrets: SecretSource;
  readonly sandbox: Sandbox | undefined;
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
    observe: (opened, check) => observeOnHost(parts, { opened, check }),
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
  const within = (opened: OpenedRun) => installContext(parts, opened);
  return {
    receive: async (opened, { signal, onBytes }) => {
      const report = await receive(
        { ...within(opened), signal },
        {
          source: parts.blobs,
          onProgress: ({ receivedBytes, totalBytes }) => onBytes(receivedBytes, totalBytes),
        },
      );
      opened.facts.save('received', report as unknown as Json);
    },
    stage: async (opened) => void (await stage(within(opened))),
    promote: async (opened) => promoteOrFindPromoted(within(opened)),
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
  { opened, check }: { opened: OpenedRun; check: PlannedCheck },
): Promise<Evidence> {
  const { release, manifest, places, facts, policy, run } = opened;
  const { state, reason } = readExecutionGate(parts.database, release.statement.app);
  facts.save('execution-gate', { state, reason });
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
    signal: parts.signal,
    ...testSeam(parts),
  };
  return observeCheck(context, { planChecks, builtInChecks, kinds: checkKinds, now: parts.now });
}

function installContext(parts: HostParts, opened: OpenedRun): InstallContext {
  const { run, release, manifest, places } = opened;
  return {
    run,
    host: parts.host,
    release,
    manifest,
    manifestDigest: sha256(encodeManifest(manifest)),
    places,
    blobCache: parts.blobCache,
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
