/**
 * Signing with an OpenSSH private key file: by the distribution's `ssh-keygen`, which knows every form of them and asks the
 * person for passphrase, PIN and touch by itself. Keyturn never sees what is typed.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../../../shared/errors.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { ScratchFolder } from '../../../shared/store/scratch-folder.ts';
import { APPROVAL_NAMESPACE, parseApproverKey } from '../../../shared/trust/approver-key.ts';
import { sshKeyLine } from '../../../shared/trust/ssh-key.ts';
import { unarmour } from '../../../shared/trust/sshsig.ts';
import { type AttendedResult, runAttended } from '../../build/attended-command.ts';
import { endText } from '../../build/run-command.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import { type ApproverSigner, checkedSignature, decisionBytes } from './approver-signer.ts';
import { readOpenSshPrivateKey } from './openssh-private-key.ts';

export interface KeygenApproverOptions extends PassphraseOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whoever fetches the security key from another room is waited for. */
const PATIENCE_MS = 10 * 60_000;

/** `text` is what the file at `path` holds. Errors: those of `readOpenSshPrivateKey`; `UsageError`. */
export function openKeygenApprover(path: string, text: string, options: KeygenApproverOptions): ApproverSigner {
  const { key: sshKey, isEncrypted } = readOpenSshPrivateKey(text);
  checkAsksByItself(isEncrypted, options);
  const key = parseApproverKey(sshKeyLine(sshKey));
  return {
    key,
    how: 'ssh-keygen',
    async sign(payloadType, payload) {
      const message = decisionBytes(payloadType, payload);
      const signature = unarmour(await signFile(message, { path, env: options.env }));
      return checkedSignature(key, { message, signature, by: 'ssh-keygen' });
    },
    close: () => undefined,
  };
}

function checkAsksByItself(isEncrypted: boolean, { passphraseFile }: PassphraseOptions): void {
  if (!isEncrypted || passphraseFile === undefined) return;
  throw new UsageError(
    '--passphrase-file opens no key of OpenSSH: ssh-keygen asks for its passphrase by itself',
    'leave the option out; or give the key to an ssh-agent with `ssh-add FILE` and name its .pub file',
  );
}

async function signFile(
  message: Uint8Array,
  { path, env }: Pick<KeygenApproverOptions, 'env'> & { path: string },
): Promise<string> {
  const folder = new ScratchFolder('keyturn-decision');
  try {
    const decision = await folder.write('decision', [message]);
    const argv = ['ssh-keygen', '-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', resolve(path), decision];
    checkSigned(await runAttended({ argv, env, timeoutMs: PATIENCE_MS }), path);
    return readSigned(`${decision}.sig`);
  } finally {
    folder.remove();
  }
}

function checkSigned({ end, said }: AttendedResult, path: string): void {
  if (end.how === 'exited' && end.code === 0) return;
  if (end.how === 'not-started') throw notStarted(end.reason);
  const [last = ''] = said.trim().split(/\r?\n/).slice(-1);
  const why = last === '' ? endText(end) : `${endText(end)}: ${last}`;
  throw new RejectedError('ssh-keygen-failed', `failed to sign with "${path}": ssh-keygen ended with ${why}`, {
    hint: 'see whether this works by itself: echo test | ssh-keygen -Y sign -n test -f FILE',
  });
}

function notStarted(reason: string): Error {
  if (reason !== 'ENOENT') return new TransientError(`failed to start ssh-keygen: ${reason}`);
  return new RejectedError('ssh-keygen-missing', 'failed to sign: there is no ssh-keygen on this machine', {
    hint: 'install openssh-client (8.1 or newer)',
  });
}

function readSigned(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') throw new TransientError(`failed to read "${path}"`, { cause });
    throw new RejectedError('ssh-keygen-failed', 'failed to sign: ssh-keygen ended well and left no signature');
  }
}
