/** What this host says of itself, read from its own disk; the agent need not run. */

import { versionOf } from '../../shared/trust/tuf-metadata.ts';
import { openJournal } from '../journal/journal.ts';
import type { RunState } from '../run/machine.ts';
import { loadTrusted } from '../trust/metadata-store.ts';
import { loadHostConfig } from './host-config.ts';

export interface HostStatus {
  readonly host: string;
  readonly gateway: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly installRoots: readonly string[];
  readonly runs: readonly { readonly run: string; readonly phase: string }[];
  readonly trust: Readonly<Record<string, number>>;
  /** Reports that the control plane has not acknowledged. */
  readonly outbox: number;
  /** This version has no way to open one. */
  readonly executionGates: 'closed';
}

/** Errors: `RejectedError` when this host is not enrolled. */
export function hostStatus(stateDirectory: string): HostStatus {
  const { host, gateway, labels, installRoots } = loadHostConfig(stateDirectory);
  const database = openJournal(stateDirectory);
  try {
    const runs = database.prepare<[], { id: string; state: string }>('select id, state from runs order by id').all();
    const outbox = database.prepare<[], { count: number }>('select count(*) as count from outbox').get();
    return {
      host,
      gateway,
      labels,
      installRoots,
      runs: runs.map(({ id, state }) => ({ run: id, phase: (JSON.parse(state) as RunState).phase })),
      trust: Object.fromEntries([...loadTrusted(database)].map(([file, bytes]) => [file, versionOf(bytes)])),
      outbox: outbox?.count ?? 0,
      executionGates: 'closed',
    };
  } finally {
    database.close();
  }
}
