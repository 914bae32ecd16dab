/** `keyturn kill`: stops now. Says how long each step took on each host, and which hosts it has not reached. */
import type { Command } from 'commander';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { envelopeOf } from '../../../shared/orders/decision-request.ts';
import { encodeKillOrder } from '../../../shared/orders/kill-order.ts';
import { APP_PATTERN } from '../../../shared/release/names.ts';
import type { LogEntry, SendOrderResponse } from '../../../shared/rpc/generated/messages.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { isDecisionFile, readDecisionFile } from '../decision-file.ts';
import { parseHostName } from '../host-name.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import type { Publisher } from '../publication.ts';
import { openApprover } from '../signing/open-approver.ts';
import { answerOf, type HostAnswer, watchOrder } from '../watch-order.ts';
import { signShown } from './approve.ts';
import { signedEnvelope } from './enable-send.ts';

interface KillOptions extends PassphraseOptions {
  readonly host?: readonly string[];
  readonly all?: boolean;
  readonly reason?: string;
  readonly key?: string;
  readonly order?: string;
  readonly wait: number;
}

const UNAVAILABLE = 69;

export async function kill(app: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<KillOptions>();
  const hosts = (options.host ?? []).map(parseHostName);
  if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected a name such as iu-cutter`);
  if (options.order === undefined && hosts.length > 0 === (options.all === true)) {
    throw new UsageError('expected --host HOST, or --all for every host');
  }
  const envelope = await signedKill(app, { hosts, options, command });
  const role = envelope.length > 0 ? 'viewer' : 'operator';
  const { sent, answers } = await withControlPlane(command, role, async (publisher) => {
    const sent = await publisher.client.kill({ app, hosts, reason: reasonOf(options), envelope });
    const document = envelope.length > 0 ? envelope : await loggedDocument(sent, publisher);
    const answers = await watchOrder({ ...sent, document }, { publisher, patienceMs: options.wait });
    return { sent, answers };
  });
  showKill(answers, { sent, command });
}

/** Empty for the word of an operator. */
async function signedKill(
  app: string,
  { hosts, options, command }: { hosts: readonly string[]; options: KillOptions; command: Command },
): Promise<Buffer> {
  if (options.order !== undefined) {
    if (!isDecisionFile(options.order)) throw new UsageError(`"${options.order}": there is no such file`);
    return signedEnvelope(readDecisionFile(options.order), 'kill');
  }
  if (options.key === undefined) return Buffer.alloc(0);
  const named = hosts.length > 0 ? hosts : undefined;
  const payload = encodeKillOrder({ app, hosts: named, issuedAtMs: Date.now(), reason: reasonOf(options) });
  const signer = await openApprover(options.key, { ...options, env: process.env });
  try {
    const request = { kind: 'kill' as const, payload, signatures: [], leaves: [], bundles: [] };
    // Who kills has no time to be asked whether he means it.
    const signing = { home: homeOf(command), signer, options: { yes: true }, output: outputOf(command) };
    return envelopeOf(await signShown(request, signing));
  } finally {
    signer.close();
  }
}

function reasonOf({ reason, order }: KillOptions): string {
  if (reason !== undefined && reason !== '') return reason;
  if (order !== undefined) return 'as signed';
  throw new UsageError('expected --reason TEXT: it stands in the log for good');
}

/** What the control plane wrote into the log of an operator's word: the hosts answer to exactly that. */
async function loggedDocument({ order }: SendOrderResponse, { client }: Publisher): Promise<Buffer> {
  const entries: AsyncIterable<LogEntry> = client.listLog({ first: 0, limit: 0 });
  for await (const { kind, document } of entries) {
    if (kind === 'kill' && sha256(document) === order) return document;
  }
  throw new RejectedError('order-unknown', `failed to find kill "${order}" in the log`);
}

function showKill(
  answers: readonly HostAnswer[],
  { sent, command }: { sent: SendOrderResponse; command: Command },
): void {
  const rows = answers.map((answer) => {
    const killed = answerOf(answer, 'killed');
    const refused = answerOf(answer, 'refused');
    const goneMs = answerOf(answer, 'stopped')?.afterMs;
    const { host, isConnected, durableMs } = answer;
    return {
      host,
      isConnected,
      durableMs,
      killedMs: killed?.afterMs,
      goneMs,
      epoch: killed?.epoch,
      code: refused?.code,
    };
  });
  const unreached = rows.filter(({ durableMs }) => durableMs === undefined).map(({ host }) => host);
  const output = outputOf(command);
  if (rows.some(({ goneMs }) => goneMs === undefined)) output.endWith(UNAVAILABLE);
  output.result({ order: sent.order, orderedAtMs: sent.orderedAtMs, hosts: rows, unreached }, () => [
    `kill   ${sent.order}`,
    ...listingLines(
      rows.map((row) => [
        row.host,
        row.durableMs === undefined ? 'not reached' : `durable ${row.durableMs} ms`,
        row.goneMs === undefined ? '' : `nothing runs ${row.goneMs} ms`,
        row.code ?? (row.epoch === undefined ? '' : `epoch ${row.epoch}`),
      ]),
      'no host',
    ),
    ...(unreached.length === 0 ? [] : [`not reached yet: ${unreached.join(', ')}; they get it before anything else`]),
  ]);
}
