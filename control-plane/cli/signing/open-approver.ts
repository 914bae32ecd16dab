/** The key that an approver names, whatever it is: a file of `keyturn init`, one of OpenSSH, or a public key whose other half is in an `ssh-agent`. */
import { RejectedError } from '../../../shared/errors.ts';
import { readInputFile } from '../../../shared/service/input-file.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import { type AgentApproverOptions, openAgentApprover } from './agent-approver.ts';
import type { ApproverSigner } from './approver-signer.ts';
import { openFileApprover } from './file-approver.ts';
import { openKeygenApprover } from './keygen-approver.ts';
import { isOpenSshPrivateKey } from './openssh-private-key.ts';

export type ApproverOptions = PassphraseOptions & AgentApproverOptions;

/** As a `.pub` file has it; also a type that cannot approve, so that the refusal says which can. */
const PUBLIC_LINE = /^(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+[ \t]/;

/**
 * `keyFile` may also be the line of a `.pub` file itself. Whoever opens one closes it. Errors: `UsageError` when there is no
 * such file; `approver-key-is-public`, `approver-key-unknown`; those of `openAgentApprover`, `openFileApprover` and
 * `openKeygenApprover`.
 */
export async function openApprover(keyFile: string, options: ApproverOptions): Promise<ApproverSigner> {
  if (PUBLIC_LINE.test(keyFile)) return await openAgentApprover(keyFile, options);
  const text = readInputFile(keyFile, 'key file').toString('utf8');
  if (PUBLIC_LINE.test(text)) return await openAgentApprover(text, options);
  if (isOpenSshPrivateKey(text)) return openKeygenApprover(keyFile, text, options);
  checkPrivatePem(text, keyFile);
  return await openFileApprover(keyFile, options);
}

function checkPrivatePem(text: string, keyFile: string): void {
  if (text.startsWith('-----BEGIN PUBLIC KEY-----')) {
    throw new RejectedError('approver-key-is-public', `failed to open "${keyFile}": it is the public half of a key`, {
      hint: 'name the file of the private key, or, for a key in an ssh-agent, its .pub file',
    });
  }
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return;
  throw new RejectedError('approver-key-unknown', `failed to open "${keyFile}": it is no key file`, {
    hint: 'a file of `keyturn init`, a private key of OpenSSH, or a .pub file whose key is in an ssh-agent',
  });
}
