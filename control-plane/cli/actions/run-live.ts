/** `keyturn run-live`: asks a host to start a live entrypoint, which it does if its gate is open. */
import type { Command } from 'commander';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { type LiveRunRecord, verifyLiveRun } from '../../../shared/orders/live-run.ts';
import type { LiveUpdate } from '../../../shared/rpc/generated/messages.ts';
import { visibleLines } from '../../../shared/visible-text.ts';
import { withControlPlane } from '../connection.ts';
import { pinnedHostKey } from '../host-keys.ts';
import { parseHostName } from '../host-name.ts';
import { instantText } from '../instant-text.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { refusalHint } from '../refusal-hint.ts';

interface LiveOptions {
  readonly host: string;
  readonly watch?: boolean;
  readonly wait: number;
}

interface LiveRequest {
  readonly host: string;
  readonly app: string;
  readonly entrypoint: string;
}

/** As a verdict that failed. */
const FAILED = 20;

export async function runLive(app: string, entrypoint: string, command: Command): Promise<void> {
  const options = command.opts<LiveOptions>();
  const request = { host: parseHostName(options.host), app, entrypoint };
  const output = outputOf(command);
  const { liveId, record } = await withControlPlane(command, 'operator', async (publisher) => {
    const { liveId } = await publisher.client.runLive(request);
    const follow = { publisher, waitMs: options.wait, onStart: output.note };
    const record = await followed(liveId, request, { ...follow, until: options.watch === true ? 'end' : 'start' });
    return { liveId, record };
  });
  if (record.ended && record.ended.how !== 'exit 0') output.endWith(FAILED);
  output.result(record, () => linesOf(liveId, record));
}

interface Following {
  readonly publisher: Publisher;
  readonly until: 'start' | 'end';
  /** For the host's first word; a live run may take days. */
  readonly waitMs: number;
  readonly onStart: (line: string) => void;
}

/** Errors: the code with which the host refused; `TransientError` where it says nothing; those of `verifyLiveRun`. */
async function followed(
  liveId: string,
  request: LiveRequest,
  { publisher, until, waitMs, onStart }: Following,
): Promise<LiveRunRecord> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), waitMs);
  let record: LiveRunRecord | undefined;
  try {
    for await (const update of publisher.client.watchLive({ liveId }, { signal: late.signal })) {
      const said = recordIn(update, { ...request, liveId }, publisher);
      if (!said) continue;
      clearTimeout(timer);
      if (!record && !said.ended) onStart(`${liveId} runs on ${said.host} since ${instantText(said.startedAtMs)}`);
      record = said;
      if (until === 'start') break;
    }
  } catch (error) {
    if (!late.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  if (record) return record;
  throw new TransientError(
    `asked "${request.host}" to run ${request.app} ${request.entrypoint}, and got no answer yet`,
    {
      hint: `live run ${liveId} starts when the host hears of it, if its gate is open then; \`keyturn kill\` closes it`,
    },
  );
}

function recordIn(
  { envelope, refusalCode, ledgerPublicKey }: LiveUpdate,
  { host, app, entrypoint, liveId }: LiveRequest & { readonly liveId: string },
  { home }: Publisher,
): LiveRunRecord | undefined {
  if (refusalCode !== '') {
    const code = refusalCode as Lowercase<string>;
    throw new RejectedError(code, `"${host}" refused to run ${app} ${entrypoint}`, { hint: refusalHint(code) });
  }
  if (envelope.length === 0) return undefined;
  const publicKey = pinnedHostKey(home.folder, { host, shown: ledgerPublicKey });
  const record = verifyLiveRun(envelope, { host, publicKey });
  if (record.live === liveId && record.app === app && record.entrypoint === entrypoint) return record;
  throw new RejectedError(
    'live-run-misnamed',
    `asked "${host}" to run ${app} ${entrypoint}, and was told of ${record.app} ${record.entrypoint}`,
  );
}

function linesOf(liveId: string, { startedAtMs, ended }: LiveRunRecord): string[] {
  if (!ended) return [`${liveId} runs since ${instantText(startedAtMs)}`];
  return [
    `${liveId} ended at ${instantText(ended.atMs)}: ${ended.how}`,
    ...ended.lines.flatMap(visibleLines),
    ...(ended.stdout === '' ? [] : visibleLines(ended.stdout.trimEnd())),
    ...(ended.stderr === '' ? [] : visibleLines(ended.stderr.trimEnd())),
  ];
}
