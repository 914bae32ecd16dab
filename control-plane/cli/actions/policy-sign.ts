/** `keyturn policy sign`. */

import type { Command } from 'commander';
import { sha256 } from '../../../shared/digest.ts';
import { readInputFile } from '../../../shared/service/input-file.ts';
import { POLICY_PATH, parsePolicy } from '../../../shared/trust/policy.ts';
import { homeOf } from '../connection.ts';
import { expiredLines } from '../expired-metadata.ts';
import { outputOf } from '../output.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import { publishTargets } from '../targets-publication.ts';

export async function signPolicy(command: Command): Promise<void> {
  const home = homeOf(command);
  const bytes = readInputFile(home.policyPath, 'policy');
  parsePolicy(bytes);
  const policy = { length: bytes.length, sha256: sha256(bytes) };
  const options = command.optsWithGlobals() as PassphraseOptions;
  const { expired } = await publishTargets(command, { home, options, wanted: [] }, () => ({
    change: { policy },
    files: new Map([[POLICY_PATH, bytes]]),
  }));
  outputOf(command).result({ policy: policy.sha256, expired }, () => [
    `policy ${policy.sha256} is signed and published`,
    ...expiredLines(expired),
  ]);
}
