/** `keyturn enable send`: brings a signed order to its hosts, and shows what each of them answers. */
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import {
  type DecisionRequest,
  decisionId,
  envelopeOf,
  withSignature,
} from '../../../shared/orders/decision-request.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { withControlPlane } from '../connection.ts';
import { fetchDecision, isDecisionFile, readDecisionFile } from '../decision-file.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { type HostAnswer, watchOrder } from '../watch-order.ts';

const UNAVAILABLE = 69;
const REFUSED = 77;

export async function sendEnable(reference: string, command: Command): Promise<void> {
  const { wait } = command.opts<{ wait: number }>();
  const { order, answers } = await withControlPlane(command, 'operator', async (publisher) => {
    const request = await decisionOf(reference, publisher);
    const envelope = signedEnvelope(request, 'enable');
    const leaves = request.leaves.map(({ host, run, head, epoch }) => ({ host, runId: run, head, epoch }));
    const sent = await publisher.client.sendEnable({ envelope, leaves });
    const answers = await watchOrder({ ...sent, document: envelope }, { publisher, patienceMs: wait });
    return { order: sent.order, answers };
  });
  showAnswers(answers, { order, command });
}

/** A file with the signatures that it carries, and with those that were left in the inbox. Errors: as `fetchDecision`. */
export async function decisionOf(reference: string, { client }: Pick<Publisher, 'client'>): Promise<DecisionRequest> {
  if (!isDecisionFile(reference)) return fetchDecision(reference, client);
  const request = readDecisionFile(reference);
  try {
    return (await fetchDecision(decisionId(request), client)).signatures.reduce(withSignature, request);
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'decision-unknown') return request; // it was carried, not submitted
    throw error;
  }
}

/** Errors: `UsageError` for a decision of another kind, or that nobody has signed. */
export function signedEnvelope(request: DecisionRequest, kind: DecisionRequest['kind']): Buffer {
  if (request.kind !== kind) throw new UsageError(`expected a request to ${kind}, got one of kind ${request.kind}`);
  if (request.signatures.length > 0) return envelopeOf(request);
  throw new UsageError('nobody has signed it yet: keyturn approve REQUEST --key FILE');
}

/** One line a host; the exit code says whether all of them have followed. */
export function showAnswers(
  answers: readonly HostAnswer[],
  { order, command }: { order: string; command: Command },
): void {
  const rows = answers.map(({ host, isConnected, receipts }) => {
    const last = receipts.at(-1);
    const answer = last?.answer ?? (isConnected ? 'no answer yet' : 'not reached');
    return { host, answer, code: last?.code, epoch: last?.epoch, afterMs: last?.afterMs };
  });
  const output = outputOf(command);
  if (rows.some(({ answer }) => answer === 'refused')) output.endWith(REFUSED);
  else if (rows.some(({ answer }) => answer !== 'admitted')) output.endWith(UNAVAILABLE);
  output.result({ order, hosts: rows }, () => [
    `order  ${order}`,
    ...listingLines(
      rows.map(({ host, answer, code, epoch, afterMs }) => [
        host,
        answer,
        code ?? (epoch === undefined ? '' : `epoch ${epoch}`),
        afterMs === undefined ? '' : `${afterMs} ms`,
      ]),
      'no host',
    ),
  ]);
}
