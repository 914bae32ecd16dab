/** `keyturn deploy`, `rollback` and `watch`. */

import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import { parseReleaseName } from '../release-name.ts';
import { fetchRun } from '../run-ledger.ts';
import { terminalOf } from '../terminal.ts';
import { watchRun } from '../watch-run.ts';
import { showRecord } from './run-ledger.ts';

export async function order(
  what: 'deploy' | 'rollback',
  { name, command }: { name: string; command: Command },
): Promise<void> {
  const { host, watch } = command.optsWithGlobals();
  const request = { host: parseHostName(host), ...parseReleaseName(name) };
  const { runId } = await withControlPlane(command, 'operator', ({ client }) => client[what](request));
  if (!watch) {
    outputOf(command).result({ run: runId }, () => [`run ${runId}`, `next: keyturn watch ${runId}`]);
    return;
  }
  await follow(runId, { command, until: what === 'deploy' ? 'ended' : 'rolledBack' });
}

export async function follow(
  runId: string,
  { command, until }: { command: Command; until: 'ended' | 'rolledBack' },
): Promise<void> {
  const output = outputOf(command);
  const record = await withControlPlane(command, 'viewer', async (publisher) => {
    await watchRun(runId, {
      ...publisher,
      terminal: terminalOf(process.stderr, process.env),
      write: output.progress,
      until,
    });
    return fetchRun(runId, publisher);
  });
  showRecord(record, command);
}
