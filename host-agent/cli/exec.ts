import { TransientError } from '../../shared/errors.ts';
import type { LiveEnd, LiveRunRecord } from '../../shared/orders/live-run.ts';
import { visibleLines } from '../../shared/visible-text.ts';
import { askAgent } from '../local/ask-agent.ts';
import { errorOfAnswer } from '../local/failure-answer.ts';

export interface ExecCommand {
  readonly stateDirectory: string;
  readonly app: string;
  readonly entrypoint: string;
  readonly form: 'json' | 'text';
}

/** As a verdict that failed. */
const FAILED = 20;

/** Errors: what the agent refuses; `TransientError` when none listens, or it left. */
export async function exec({
  stateDirectory,
  app,
  entrypoint,
  form,
}: ExecCommand): Promise<{ exitCode: number; text: string }> {
  const answers = await askAgent(stateDirectory, { do: 'exec', app, entrypoint });
  if (!answers) {
    throw new TransientError(`failed to run ${app} ${entrypoint}: no agent runs on "${stateDirectory}"`, {
      hint: 'start it with: keyturn-agent run',
    });
  }
  for await (const answer of answers) {
    if (answer.said === 'failed') throw errorOfAnswer(answer);
    if (answer.said !== 'ended' || !answer.record.ended) continue;
    const { record } = answer;
    const text = form === 'json' ? `${JSON.stringify(record)}\n` : textOf(record, answer.record.ended);
    return { exitCode: answer.record.ended.how === 'exit 0' ? 0 : FAILED, text };
  }
  throw new TransientError(`failed to hear how ${app} ${entrypoint} ended`, { hint: 'its record is in the log' });
}

function textOf({ app, version, entrypoint, live, order, epoch, startedAtMs }: LiveRunRecord, ended: LiveEnd): string {
  const lines = [
    `${live} ended: ${ended.how}`,
    `${app} ${version} ${entrypoint}, by order ${order} in epoch ${epoch}`,
    `from ${new Date(startedAtMs).toISOString()} to ${new Date(ended.atMs).toISOString()}`,
    ...ended.lines,
    ...[ended.stdout, ended.stderr].filter((text) => text !== '').map((text) => text.trimEnd()),
  ];
  return `${lines.flatMap(visibleLines).join('\n')}\n`;
}
