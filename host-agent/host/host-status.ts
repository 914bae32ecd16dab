/**
 * What this host says of itself, read from its own disk; the agent need not run, and is not disturbed if it does.
 * Nothing is made or changed.
 */
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import { versionOf } from '../../shared/trust/tuf-metadata.ts';
import type { GateView } from '../gate/gate-keeper.ts';
import { GateStore } from '../gate/gate-store.ts';
import { applicationsWithGate, lookAtGate } from '../gate/read-gates.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { explainJournalError } from '../journal/journal-error.ts';
import { openJournalToRead } from '../journal/journal-reading.ts';
import { parseRunState } from '../run/saved-state.ts';
import { loadTrusted } from '../trust/metadata-store.ts';
import { loadHostConfig } from './host-config.ts';

export interface RunStatus {
  readonly run: string;
  readonly app: string;
  readonly version: string;
  readonly phase: string;
}

export interface HostStatus {
  readonly host: string;
  readonly gateway: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly installRoots: readonly string[];
  /** In the order in which they were ordered. */
  readonly runs: readonly RunStatus[];
  /** Version of each trusted metadata file. */
  readonly trust: Readonly<Record<string, number>>;
  /** Reports that the control plane has not acknowledged. */
  readonly outbox: number;
  /** Entries of the transparency log that this host has seen; undefined where it has seen none. */
  readonly logSize: number | undefined;
  /** As the gate itself reads it, for each application that was ever admitted here. */
  readonly executionGates: readonly ({ readonly app: string } & GateView)[];
}

/** Errors: `RejectedError` when this host is not enrolled; those of `openJournalToRead`. */
export async function hostStatus(stateDirectory: string): Promise<HostStatus> {
  const { host, gateway, labels, installRoots } = loadHostConfig(stateDirectory);
  const { database, close } = await openJournalToRead(stateDirectory);
  try {
    const runs = runsOf(database);
    return {
      host,
      gateway,
      labels,
      installRoots,
      runs,
      trust: Object.fromEntries([...loadTrusted(database)].map(([file, bytes]) => [file, versionOf(bytes)])),
      outbox: database.prepare<[], number>('select count(*) from outbox').pluck().get() ?? 0,
      logSize: new GateStore(database).largestLogSize(),
      executionGates: gatesOf(database, runs),
    };
  } catch (error) {
    throw explainJournalError(error);
  } finally {
    close();
  }
}

function runsOf(database: JournalDatabase): RunStatus[] {
  const rows = database.prepare<[], { id: string; state: string; statement: Buffer }>(
    `select id, state, bytes as statement from runs join materials on run = id and name = 'statement' order by directive`,
  );
  return rows.all().map(({ id, state, statement }) => {
    const { app, version } = parseReleaseStatement(statement);
    return { run: id, app, version, phase: parseRunState(state).phase };
  });
}

function gatesOf(database: JournalDatabase, runs: readonly RunStatus[]): HostStatus['executionGates'] {
  const apps = new Set([...runs.map(({ app }) => app), ...applicationsWithGate(database)]);
  return [...apps].sort().map((app) => ({ app, ...lookAtGate(database, app) }));
}
