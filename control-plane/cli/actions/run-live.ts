/** `keyturn run-live`: asks a host to start a live entrypoint, which it does if its gate is open. */
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { type LiveRunRecord, verifyLiveRun } from '../../../shared/orders/live-run.ts';
import type { LiveUpdate } from '../../../shared/rpc/generated/messages.ts';
import { visibleLines } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import type { Home } from '../home.ts';
import { pinnedHostKey } from '../host-keys.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';

interface LiveOptions {
  readonly host: string;
  readonly watch?: boolean;
}

/** As a verdict that failed. */
const FAILED = 20;

export async function runLive(app: string, entrypoint: string, command: Command): Promise<void> {
  const options = command.opts<LiveOptions>();
  const host = parseHostName(options.host);
  const output = outputOf(command);
  const { liveId, record } = await withControlPlane(command, 'operator', async ({ client, home }) => {
    const { liveId } = await client.runLive({ host, app, entrypoint });
    let record: LiveRunRecord | undefined;
    for await (const update of client.watchLive({ liveId })) {
      record = recordIn(update, { host, home, app, entrypoint }) ?? record;
      if (record && !record.ended)
        output.note(`${liveId} runs on ${host} since ${new Date(record.startedAtMs).toISOString()}`);
      if (record && options.watch !== true) break;
    }
    return { liveId, record };
  });
  if (record?.ended && record.ended.how !== 'exit 0') output.endWith(FAILED);
  output.result({ live: liveId, ...record }, () => linesOf(liveId, record));
}

function recordIn(
  { envelope, refusalCode, ledgerPublicKey }: LiveUpdate,
  { host, home, app, entrypoint }: { host: string; home: Home; app: string; entrypoint: string },
): LiveRunRecord | undefined {
  if (refusalCode !== '') {
    throw new RejectedError(
      refusalCode as Lowercase<string>,
      `"${host}" refused to run ${app} ${entrypoint}: ${refusalCode}`,
    );
  }
  if (envelope.length === 0) return undefined;
  const publicKey = pinnedHostKey(home.folder, { host, shown: ledgerPublicKey });
  return verifyLiveRun(envelope, { host, publicKey });
}

function linesOf(liveId: string, record: LiveRunRecord | undefined): string[] {
  if (!record) return [`${liveId}: nothing is known of it yet`];
  const { ended } = record;
  if (!ended) return [`${liveId} runs`];
  return [
    `${liveId} ended: ${ended.how}`,
    ...ended.lines.flatMap(visibleLines),
    ...(ended.stdout === '' ? [] : visibleLines(ended.stdout.trimEnd())),
    ...(ended.stderr === '' ? [] : visibleLines(ended.stderr.trimEnd())),
  ];
}
