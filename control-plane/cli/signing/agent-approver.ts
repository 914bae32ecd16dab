/** Signing by an `ssh-agent`, which holds the key in its memory, on a card or in a security key, and never gives it away. */
import { RejectedError } from '../../../shared/errors.ts';
import { APPROVAL_NAMESPACE, parseApproverKey } from '../../../shared/trust/approver-key.ts';
import { parseSshKey, type SshKey, sshKeyBlob, sshKeyLine } from '../../../shared/trust/ssh-key.ts';
import { sshSignedData, wrapSshSignature } from '../../../shared/trust/sshsig.ts';
import { AgentConnection } from './agent-connection.ts';
import { encodeIdentitiesRequest, encodeSignRequest, readIdentities, readSignature } from './agent-messages.ts';
import { type ApproverSigner, checkedSignature, decisionBytes } from './approver-signer.ts';

export interface AgentPatience {
  readonly listMs: number;
  readonly signMs: number;
}

/** Some agents ask on their own screen before they show their keys; a touch or a PIN takes a person longer. */
const PATIENCE: AgentPatience = { listMs: 30_000, signMs: 180_000 };

export interface AgentApproverOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Shorter in tests. */
  readonly patience?: AgentPatience;
}

/**
 * `line` is one of a `.pub` file. Errors: those of `parseSshKey`; `ssh-agent-missing`, `ssh-agent-is-empty`,
 * `ssh-agent-lacks-key`, `ssh-agent-refused`, `ssh-agent-answer-malformed`; `TransientError`.
 */
export async function openAgentApprover(
  line: string,
  { env, patience = PATIENCE }: AgentApproverOptions,
): Promise<ApproverSigner> {
  const sshKey = parseSshKey(line);
  const key = parseApproverKey(line);
  const agent = await AgentConnection.open(env.SSH_AUTH_SOCK);
  try {
    checkHeld(readIdentities(await agent.ask(encodeIdentitiesRequest(), patience.listMs)), sshKey);
  } catch (error) {
    agent.close();
    throw error;
  }
  return {
    key,
    how: 'ssh-agent',
    async sign(payloadType, payload) {
      const message = decisionBytes(payloadType, payload);
      const request = encodeSignRequest(sshKeyBlob(sshKey), sshSignedData(message, APPROVAL_NAMESPACE));
      const inner = readSignature(await agent.ask(request, patience.signMs));
      const signature = wrapSshSignature(inner, { key: sshKey, namespace: APPROVAL_NAMESPACE });
      return checkedSignature(key, { message, signature, by: 'the ssh-agent' });
    },
    close: () => agent.close(),
  };
}

function checkHeld(held: readonly Buffer[], key: SshKey): void {
  const blob = sshKeyBlob(key);
  if (held.some((candidate) => blob.equals(candidate))) return;
  // A locked agent shows none.
  if (held.length === 0) {
    throw new RejectedError('ssh-agent-is-empty', 'failed to find the key: the ssh-agent shows none', {
      hint: 'it is locked (`ssh-add -X` unlocks it), or holds no key (`ssh-add FILE` gives it one)',
    });
  }
  throw new RejectedError(
    'ssh-agent-lacks-key',
    `failed to find "${sshKeyLine(key)}": the ssh-agent holds ${held.length === 1 ? 'another key' : `${held.length} other keys`}`,
    { hint: 'give it the key with `ssh-add FILE`, or name the file of the private key' },
  );
}
