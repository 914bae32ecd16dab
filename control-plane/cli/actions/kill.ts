/** `keyturn kill`: stops now. Says how long each step took on each host, and which hosts it has not reached. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { decisionId, encodeDecision, envelopeOf } from '../../../shared/orders/decision-request.ts';
import { encodeKillOrder, previewKillOrder } from '../../../shared/orders/kill-order.ts';
import { APP_PATTERN } from '../../../shared/release/names.ts';
import type { SendOrderResponse } from '../../../shared/rpc/generated/messages.ts';
import { EXIT_CODES, UsageError } from '../../../shared/service/failure.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { readDecisionFile, signedEnvelope } from '../decision-file.ts';
import { parseHostName } from '../host-name.ts';
import { listingLines } from '../listing.ts';
import { loggedKill } from '../logged-kill.ts';
import { answerTeller } from '../order-answers.ts';
import { outputOf } from '../output.ts';
import { assertNewFile } from '../output-file.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import { signShown } from '../sign-decision.ts';
import { openApprover } from '../signing/open-approver.ts';
import { answerOf, type HostAnswer, watchOrder } from '../watch-order.ts';

interface KillOptions extends PassphraseOptions {
  readonly host?: readonly string[];
  readonly all?: boolean;
  readonly reason?: string;
  readonly key?: string;
  readonly order?: string;
  readonly out?: string;
  readonly wait: number;
}

interface Wanted {
  readonly app: string;
  /** Every host where it is empty. */
  readonly hosts: readonly string[];
  readonly reason: string;
  /** Signed by an approver; empty for the word of an operator. */
  readonly envelope: Buffer;
}

export async function kill(app: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<KillOptions>();
  if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected a name such as iu-cutter`);
  if (options.order !== undefined) return send(carriedKill(app, options), { options, command });
  const named = namedHosts(options);
  const { reason, key, out } = options;
  if (reason === undefined || reason === '')
    throw new UsageError('expected --reason TEXT: it stands in the log for good');
  if (out !== undefined) return saveKill({ app, hosts: named, reason }, { key, out, options, command });
  const signed =
    key === undefined ? undefined : await signedKill({ app, hosts: named, reason }, { key, options, command });
  const envelope = signed ? envelopeOf(signed) : Buffer.alloc(0);
  return send({ app, hosts: named, reason, envelope }, { options, command });
}

/** Errors: `UsageError` where neither or both were said. */
function namedHosts({ host = [], all = false }: KillOptions): string[] {
  if (host.length > 0 === all) throw new UsageError('expected --host HOST, or --all for every host');
  return [...new Set(host.map(parseHostName))].sort();
}

/** What it says was signed: nothing beside it may say something else. */
function carriedKill(app: string, { order = '', host, all, key, out, reason }: KillOptions): Wanted {
  const others = { '--host': host, '--all': all, '--key': key, '--out': out, '--reason': reason };
  const [other] = Object.entries(others).find(([, said]) => said !== undefined) ?? [];
  if (other !== undefined) throw new UsageError(`--order says all of it, and ${other} would say it again`);
  const request = readDecisionFile(order);
  const envelope = signedEnvelope(request, 'kill');
  const signed = previewKillOrder(request.payload);
  if (signed.app !== app) throw new UsageError(`order "${order}": it is to kill "${signed.app}", not "${app}"`);
  return { app, hosts: signed.hosts ?? [], reason: signed.reason, envelope };
}

type Unsigned = Omit<Wanted, 'envelope'>;

/** For the day on which there is no time: it never expires, and whoever has the file can use it. */
async function saveKill(
  wanted: Unsigned,
  { key, out, options, command }: { key: string | undefined; out: string; options: KillOptions; command: Command },
): Promise<void> {
  if (key === undefined) throw new UsageError('--out needs --key FILE: an order that nobody signed is none');
  const path = resolve(out);
  assertNewFile(path, 'order');
  const signed = await signedKill(wanted, { key, options, command });
  writeFileAtomic(path, encodeDecision(signed), { mode: 0o600 });
  outputOf(command).result({ request: decisionId(signed), file: path }, () => [
    `order  ${path}, which never expires: whoever has it can kill ${wanted.app}`,
    `use    keyturn kill ${wanted.app} --order ${out}`,
  ]);
}

async function signedKill(
  { app, hosts, reason }: Unsigned,
  { key, options, command }: { key: string; options: KillOptions; command: Command },
) {
  const named = hosts.length > 0 ? hosts : undefined;
  const payload = encodeKillOrder({ app, hosts: named, issuedAtMs: Date.now(), reason });
  const signer = await openApprover(key, { ...options, env: process.env });
  try {
    const request = { kind: 'kill' as const, payload, signatures: [], leaves: [], bundles: [] };
    // Who kills has no time to be asked whether he means it, or to look up who he is.
    const signing = {
      home: homeOf(command),
      signer,
      options: { yes: true },
      output: outputOf(command),
      policy: undefined,
    };
    return await signShown(request, signing);
  } finally {
    signer.close();
  }
}

async function send(
  { app, hosts, reason, envelope }: Wanted,
  { options: { wait: patienceMs }, command }: { options: KillOptions; command: Command },
): Promise<void> {
  const role = envelope.length > 0 ? 'viewer' : 'operator';
  const { sent, answers } = await withControlPlane(command, role, async (publisher) => {
    const sent = await publisher.client.kill({ app, hosts: [...hosts], reason, envelope });
    const meant = hosts.length > 0 ? hosts : sent.hosts;
    const onAnswer = answerTeller(outputOf(command), { hosts: meant, patienceMs });
    const document = envelope.length > 0 ? envelope : await loggedKill({ order: sent.order, app }, publisher.client);
    const answers = await watchOrder({ ...sent, document, meant }, { publisher, patienceMs, onAnswer });
    return { sent, answers };
  });
  showKill(answers, { sent, command });
}

function showKill(
  answers: readonly HostAnswer[],
  { sent, command }: { sent: SendOrderResponse; command: Command },
): void {
  const rows = answers.map(rowOf);
  const unreached = rows.filter(({ durableMs }) => durableMs === undefined).map(({ host }) => host);
  const output = outputOf(command);
  if (rows.some(({ code }) => code !== undefined)) output.endWith(EXIT_CODES.refused);
  else if (rows.some(({ goneMs }) => goneMs === undefined)) output.endWith(EXIT_CODES.unavailable);
  output.result({ order: sent.order, orderedAtMs: sent.orderedAtMs, hosts: rows, unreached }, () => [
    `kill   ${sent.order}`,
    ...listingLines(rows.map(cellsOf), 'no host'),
    ...(unreached.length === 0 ? [] : [`not reached yet: ${unreached.join(', ')}; they get it before anything else`]),
  ]);
}

function rowOf(answer: HostAnswer) {
  const { host, isConnected, durableMs } = answer;
  const killed = answerOf(answer, 'killed');
  const goneMs = answerOf(answer, 'stopped')?.afterMs;
  const code = answerOf(answer, 'refused')?.code;
  return { host, isConnected, durableMs, killedMs: killed?.afterMs, goneMs, epoch: killed?.epoch, code };
}

function cellsOf({ host, durableMs, goneMs, code, epoch }: ReturnType<typeof rowOf>): string[] {
  return [
    host,
    durableMs === undefined ? 'not reached' : `durable ${durableMs} ms`,
    goneMs === undefined ? '' : `nothing runs ${goneMs} ms`,
    code ?? (epoch === undefined ? '' : `epoch ${epoch}`),
  ];
}
