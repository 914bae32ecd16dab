/**
 * `keyturn rule` and `keyturn gaps waive`: what people decide about a run. Signed here with the keys that are named and sent; or,
 * without a key, put into the inbox for those who have theirs elsewhere.
 */
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { type DecisionRequest, encodeDecision } from '../../../shared/orders/decision-request.ts';
import { encodeRuling, previewRuling, type Ruling } from '../../../shared/orders/ruling.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { withControlPlane } from '../connection.ts';
import { decisionOf, signedEnvelope } from '../decision-file.ts';
import { lackingFor, lackingText, visiblePolicy } from '../decision-policy.ts';
import { heldAt } from '../held-run.ts';
import { showAnswers } from '../order-answers.ts';
import { type CommandOutput, outputOf } from '../output.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import type { Publisher } from '../publication.ts';
import { fetchRun } from '../run-ledger.ts';
import type { ShownDecision } from '../show-decision.ts';
import { signTold, tellDecision } from '../sign-decision.ts';
import { openApprover } from '../signing/open-approver.ts';
import { watchOrder } from '../watch-order.ts';

interface RuleOptions extends PassphraseOptions {
  readonly reason: string;
  readonly key?: readonly string[];
  readonly yes?: boolean;
  readonly wait: number;
}

export async function rule(runId: string, decision: string, command: Command): Promise<void> {
  if (decision !== 'proceed' && decision !== 'stop') {
    throw new UsageError(`decision "${decision}": expected proceed or stop`);
  }
  await decide(command, async (publisher, { reason }) => {
    const ledger = await ledgerOf(runId, publisher);
    const held = heldAt(ledger);
    if (!held) {
      throw new RejectedError(
        'run-not-held',
        `failed to rule on run "${runId}": it is ${ledger.summary.phase}, not held`,
        { hint: 'runs that are held: `keyturn rulings`' },
      );
    }
    const { check, stopGate } = held;
    return { ...aboutRun(ledger), check, decision, stopGate, expiresMs: undefined, issuedAtMs: Date.now(), reason };
  });
}

export async function waive(runId: string, check: string, command: Command): Promise<void> {
  const { for: forMs } = command.opts<{ for: number }>();
  await decide(command, async (publisher, { reason }) => {
    const ledger = await ledgerOf(runId, publisher);
    const gap = ledger.summary.subGaps.find((row) => row.check === check || row.id === check);
    if (!gap) {
      throw new RejectedError('gap-unknown', `failed to waive: run "${runId}" has no sub-gap of check "${check}"`, {
        hint: 'see them with `keyturn gaps`',
      });
    }
    const issuedAtMs = Date.now();
    const expiresMs = issuedAtMs + forMs;
    const about = aboutRun(ledger);
    return { ...about, check: gap.check, decision: 'waive', stopGate: undefined, expiresMs, issuedAtMs, reason };
  });
}

export async function sendRuling(reference: string, command: Command): Promise<void> {
  const { wait } = command.opts<{ wait: number }>();
  await withControlPlane(command, 'operator', async (publisher) => {
    const request = await decisionOf(reference, publisher.client);
    await send(request, { publisher, wait, command });
  });
}

async function decide(
  command: Command,
  make: (publisher: Publisher, options: RuleOptions) => Promise<Ruling>,
): Promise<void> {
  const options = command.optsWithGlobals<RuleOptions>();
  const output = outputOf(command);
  await withControlPlane(command, 'operator', async (publisher) => {
    const ruling = await make(publisher, options);
    const policy = await visiblePolicy(publisher, output);
    const deciding = { options, publisher, output, policy };
    let request: DecisionRequest = {
      kind: 'ruling',
      payload: encodeRuling(ruling),
      signatures: [],
      leaves: [],
      bundles: [],
    };
    const told = options.key && tellDecision(request, { home: publisher.home, output });
    if (told) for (const file of options.key ?? []) request = await signedWith(file, { request, told }, deciding);
    const lacking = lackingIn(request, ruling, policy);
    if (request.signatures.length > 0 && lacking === undefined)
      return send(request, { publisher, wait: options.wait, command });
    const { id } = await publisher.client.submitDecision({ document: encodeDecision(request) });
    const signatures = request.signatures.length;
    output.result({ request: id, signatures, lacking }, () => [
      `request  ${id}`,
      ...(lacking === undefined ? [] : [`signed   ${signatures}; still needed: ${lacking}`]),
      `next     keyturn approve ${id.slice(0, 12)} --key FILE`,
      `then     keyturn rule send ${id.slice(0, 12)}`,
    ]);
  });
}

/** Whom a host would miss, as far as the policy is seen; whoever was not named signs in the inbox. */
function lackingIn(request: DecisionRequest, { decision }: Ruling, policy: Policy | undefined): string | undefined {
  if (policy === undefined || request.signatures.length === 0) return undefined;
  const lacking = lackingFor(request, { policy, by: decision === 'waive' ? 'quorum' : 'rulings' });
  return lacking.length === 0 ? undefined : lackingText(lacking);
}

interface Deciding {
  readonly options: RuleOptions;
  readonly publisher: Publisher;
  readonly output: CommandOutput;
  readonly policy: Policy | undefined;
}

async function signedWith(
  file: string,
  { request, told }: { request: DecisionRequest; told: ShownDecision },
  { options, publisher, output, policy }: Deciding,
): Promise<DecisionRequest> {
  const signer = await openApprover(file, { ...options, env: process.env });
  try {
    return await signTold(request, told, { home: publisher.home, signer, options, output, policy });
  } finally {
    signer.close();
  }
}

async function send(
  request: DecisionRequest,
  { publisher, wait, command }: { publisher: Publisher; wait: number; command: Command },
): Promise<void> {
  const envelope = signedEnvelope(request, 'ruling');
  const { run, host } = previewRuling(request.payload);
  const sent = await publisher.client.sendRuling({ envelope, runId: run });
  const watched = { ...sent, document: envelope, meant: [host] };
  const answers = await watchOrder(watched, { publisher, patienceMs: wait });
  showAnswers(answers, { order: sent.order, command });
}

async function ledgerOf(runId: string, publisher: Publisher): Promise<VerifiedLedger> {
  const { ledger } = await fetchRun(runId, publisher);
  if (ledger) return ledger;
  throw new RejectedError('run-not-admitted', `failed to rule on run "${runId}": its host has not admitted it`);
}

/** Bound to what is known of the run now: a ruling on what has changed since counts for nothing. */
function aboutRun({ summary, head }: VerifiedLedger): Pick<Ruling, 'host' | 'run' | 'head'> {
  return { host: summary.host, run: summary.run, head: head.head };
}
