/** Signing with a key file that `keyturn init` wrote. */
import { parseApproverKey } from '../../../shared/trust/approver-key.ts';
import { loadKey } from '../../../shared/trust/keys.ts';
import { type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { type ApproverSigner, checkedSignature, decisionBytes } from './approver-signer.ts';

/** Errors: those of `loadKey` and `withPassphrase`. */
export async function openFileApprover(path: string, options: PassphraseOptions): Promise<ApproverSigner> {
  const signingKey = await withPassphrase(options, (passphrase) => loadKey(path, passphrase));
  const key = parseApproverKey(signingKey.publicKeyPem);
  return {
    key,
    how: 'pkcs8',
    async sign(payloadType, payload) {
      const message = decisionBytes(payloadType, payload);
      return checkedSignature(key, { message, signature: signingKey.sign(message), by: `"${path}"` });
    },
    close: () => undefined,
  };
}
