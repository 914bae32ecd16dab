/** What an agent stands on as long as it runs: the parts that wait with it. Whatever only work needs comes later. */
import { join } from 'node:path';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import { type Clock, waitFor } from '../../shared/time/clock.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { GateKeeper } from '../gate/gate-keeper.ts';
import { GateStore } from '../gate/gate-store.ts';
import { killsFirst } from '../gate/take-kill.ts';
import { type HostConfig, hostFolders } from '../host/host-config.ts';
import { DirectiveLog } from '../journal/directives.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { JournalOutbox } from '../journal/outbox.ts';
import { backoffMs } from '../link/backoff.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { GateFile } from '../live/gate-file.ts';
import { LiveRegistry } from '../live/live-registry.ts';
import { HostKiller } from '../local/host-killer.ts';
import { KILL_FILE, KillFile } from '../local/kill-file.ts';
import { heapCollector, RestfulWakeup } from './restful-wakeup.ts';
import { TrustHints } from './trust-hints.ts';
import { WorkDoor } from './work-door.ts';

export interface Foundations {
  readonly config: HostConfig;
  readonly stateDirectory: string;
  readonly database: JournalDatabase;
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds that only ever grow. */
  readonly steadyMs: () => number;
  readonly log: Logger;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

/** Built once and shared by the parts. */
export interface WaitingParts {
  readonly identity: IdentityStore;
  readonly hostKey: SigningKey;
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
  /** Woken when a directive was stored, and when the link has changed. */
  readonly wakeup: Wakeup;
  /** The same, for orders. */
  readonly orderWakeup: Wakeup;
  readonly gates: GateStore;
  readonly keeper: GateKeeper;
  readonly trustHints: TrustHints;
  /** What runs live. */
  readonly registry: LiveRegistry;
  /** What the gates are, for others to read. */
  readonly gateFile: GateFile;
  /** While this file is there, no gate is open. */
  readonly killFile: string;
  readonly fileKills: KillFile;
  readonly killer: HostKiller;
  readonly door: WorkDoor;
  readonly now: () => Date;
  readonly waitToRetry: (attempt: number) => Promise<void>;
}

/** Errors: those of `IdentityStore.openLedgerKey`. */
export function waitingParts(foundations: Foundations): WaitingParts {
  const { stateDirectory, database, clock, random, signal, testOnlyAtBoundary } = foundations;
  const identity = new IdentityStore(hostFolders(stateDirectory).identity);
  const { gates, keeper, registry, gateFile } = gateParts(foundations);
  const directives = new DirectiveLog(database, killsFirst(keeper));
  const wakeup = new RestfulWakeup({ clock, collect: heapCollector() });
  const orderWakeup = new Wakeup();
  const wakeBoth = (): void => {
    wakeup.wake();
    orderWakeup.wake();
  };
  directives.onAccepted(wakeBoth);
  // In a turn of its own: what works is loaded for a second, and whoever killed hears that he did before that.
  const onKilled = (): void => void setImmediate(wakeBoth);
  const killer = new HostKiller({ database, keeper, nowMs: () => clock.now(), onKilled, testOnlyAtBoundary });
  const killFile = join(stateDirectory, KILL_FILE);
  return {
    gates,
    keeper,
    registry,
    killer,
    killFile,
    fileKills: new KillFile({ path: killFile, killer }),
    door: new WorkDoor(wakeBoth),
    gateFile,
    trustHints: new TrustHints(),
    orderWakeup,
    identity,
    hostKey: identity.openLedgerKey(),
    directives,
    outbox: new JournalOutbox(database),
    wakeup,
    now: () => new Date(clock.now()),
    waitToRetry: async (attempt) => {
      await waitFor(clock, backoffMs(attempt + 1, random), signal);
      signal.throwIfAborted();
    },
  };
}

/** Each gate begins closed, whatever it was when the agent stopped. */
function gateParts(foundations: Foundations): Pick<WaitingParts, 'gates' | 'keeper' | 'registry' | 'gateFile'> {
  const { config, stateDirectory, database, clock, steadyMs, log } = foundations;
  const gates = new GateStore(database);
  const registry = new LiveRegistry();
  const keeper = new GateKeeper({
    store: gates,
    nowMs: () => clock.now(),
    steadyMs,
    onClosed: (app, reason) => registry.stop(app, reason),
    onChanged: () => gateFile.note(),
  });
  const gateFile = new GateFile({
    path: join(hostFolders(stateDirectory).runtime, 'gate.json'),
    host: config.host,
    keeper,
    gates,
    nowMs: () => clock.now(),
    onTrouble: (error) => log.warn({ reason: messageOf(error) }, 'gate.json is not what the gates are'),
  });
  keeper.restart();
  gateFile.write();
  return { gates, keeper, registry, gateFile };
}
