/** `keyturn enable send`: brings a signed order to its hosts, and shows what each of them answers. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { decisionOf, signedEnvelope } from '../decision-file.ts';
import { answerTeller, showAnswers } from '../order-answers.ts';
import { outputOf } from '../output.ts';
import { watchOrder } from '../watch-order.ts';

export async function sendEnable(reference: string, command: Command): Promise<void> {
  const { wait: patienceMs } = command.opts<{ wait: number }>();
  const { order, answers } = await withControlPlane(command, 'operator', async (publisher) => {
    const request = await decisionOf(reference, publisher.client);
    const envelope = signedEnvelope(request, 'enable');
    const leaves = request.leaves.map(({ host, run, head, epoch }) => ({ host, runId: run, head, epoch }));
    const meant = leaves.map(({ host }) => host);
    const sent = await publisher.client.sendEnable({ envelope, leaves });
    const onAnswer = answerTeller(outputOf(command), { hosts: meant, patienceMs });
    const answers = await watchOrder({ ...sent, document: envelope, meant }, { publisher, patienceMs, onAnswer });
    return { order: sent.order, answers };
  });
  showAnswers(answers, { order, command });
}
