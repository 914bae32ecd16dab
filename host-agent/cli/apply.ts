import { TransientError } from '../../shared/errors.ts';
import { type Receipt, verifyReceipt } from '../../shared/orders/receipt.ts';
import { EXIT_CODES } from '../../shared/service/failure.ts';
import { assertInputFile } from '../../shared/service/input-file.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { visibleLine } from '../../shared/visible-text.ts';
import { hostFolders, loadHostConfig } from '../host/host-config.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { askAgent } from '../local/ask-agent.ts';
import { errorOfAnswer } from '../local/failure-answer.ts';
import type { LocalFailure } from '../local/messages.ts';

export interface ApplyCommand {
  readonly stateDirectory: string;
  readonly path: string;
  readonly maxAgeDays: number | undefined;
  /** Where the receipt goes; nowhere where it is left out: it waits in the agent's outbox as well. */
  readonly out: string | undefined;
  readonly form: 'json' | 'text';
}

const DAY_MS = 86_400_000;

/** Errors: what the agent refuses without a receipt; `TransientError` when none listens, or it left; `UsageError`. */
export async function apply(command: ApplyCommand): Promise<{ exitCode: number; text: string }> {
  const { stateDirectory, path, maxAgeDays } = command;
  assertInputFile(path, 'carried order');
  const answers = await askAgent(stateDirectory, {
    do: 'apply',
    path,
    ...(maxAgeDays !== undefined && { maxAgeDays }),
  });
  if (!answers) {
    throw new TransientError(`failed to apply "${path}": no agent runs on "${stateDirectory}"`, {
      hint: 'start it with: keyturn-agent run',
    });
  }
  for await (const answer of answers) {
    if (answer.said === 'failed') throw errorOfAnswer(answer);
    if (answer.said !== 'applied') continue;
    const [order, receipt] = [Buffer.from(answer.order, 'base64'), Buffer.from(answer.receipt, 'base64')];
    if (command.out !== undefined) writeFileAtomic(command.out, receipt, { mode: 0o644 });
    return shown(receiptOf(receipt, { order, stateDirectory }), { command, failure: answer.failure });
  }
  throw new TransientError(`failed to hear what became of "${path}"`, { hint: 'keyturn-agent status tells' });
}

/** What is shown is what was signed. */
function receiptOf(receipt: Buffer, { order, stateDirectory }: { order: Buffer; stateDirectory: string }): Receipt {
  const { host } = loadHostConfig(stateDirectory);
  const publicKey = new IdentityStore(hostFolders(stateDirectory).identity).openLedgerKey().publicKeyPem;
  return verifyReceipt(receipt, { host, publicKey, order });
}

function shown(
  receipt: Receipt,
  { command, failure }: { command: ApplyCommand; failure: LocalFailure | undefined },
): { exitCode: number; text: string } {
  const { app, answer, code, epoch, trustAgeMs = 0, atMs } = receipt;
  const exitCode = answer === 'admitted' ? 0 : EXIT_CODES.refused;
  if (command.form === 'json') {
    const said = { ...receipt, at: new Date(atMs).toISOString(), reason: failure?.message };
    return { exitCode, text: `${JSON.stringify(said)}\n` };
  }
  const age = trustAgeMs === 0 ? 'in force' : `ran out ${Math.ceil(trustAgeMs / DAY_MS)} days ago`;
  const lines = [
    `${app}  ${answer}${code === undefined ? '' : ` [${code}]`}  epoch ${epoch}  trust data ${age}`,
    ...(failure === undefined ? [] : [failure.message]),
    ...(command.out === undefined ? [] : [`receipt: ${command.out}`]),
  ];
  return { exitCode, text: `${lines.map(visibleLine).join('\n')}\n` };
}
