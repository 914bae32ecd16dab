/** A clean checkout of what will be released, for the project's own code to run in; its environment holds no secret. */

import { encodeCanonical } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import type { FailureCapsule } from '../../shared/ledger/evidence.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { ScratchBlobs } from '../../shared/store/scratch-blobs.ts';
import type { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { type CommandResult, endText, runCommand } from './run-command.ts';

export interface Checkout {
  run(
    argv: readonly string[],
    options: { timeoutMs: number; keepBytes?: number; signal?: AbortSignal | undefined },
  ): Promise<CommandResult>;
}

/** Writes the manifest's tree into `scratch`, from the blobs that were read there. */
export async function makeCheckout(
  manifest: Manifest,
  { scratch, contents }: { scratch: ScratchFolder; contents: ScratchBlobs },
): Promise<Checkout> {
  const root = scratch.writeTree('checkout', manifest, ({ sha256 }) => contents.pieces(sha256));
  const env = scrubbedEnvironment({ home: scratch.makeFolder('home'), temporary: scratch.makeFolder('tmp') });
  return {
    run: (argv, { timeoutMs, keepBytes = LIMITS.capturedOutputBytes, signal }) =>
      runCommand({ argv, cwd: root, env, timeoutMs, keepBytes, signal }),
  };
}

/** What a reader needs to understand why a command did not do what was expected of it. */
export function capsuleOf(argv: readonly string[], result: CommandResult): FailureCapsule {
  const output = Buffer.concat([result.stdout, result.stderr]);
  return {
    argv: argv.map((argument) => argument.slice(0, 4096)),
    ended: endText(result.end),
    lastOutput: output.subarray(-LIMITS.evidenceOutputBytes / 4).toString('utf8'),
    outputBytes: result.outputBytes,
    limitsHit: [...(result.end.how === 'timed-out' ? ['time'] : []), ...(result.isCut ? ['output'] : [])],
    environmentDigest: sha256(encodeCanonical({ argv, variables: ENVIRONMENT_NAMES })),
    sandbox: 'none: build machine',
  };
}

const ENVIRONMENT_NAMES = ['HOME', 'LANG', 'PATH', 'TMPDIR'];

/** Nothing else of the developer's environment: a token in it must not reach a test. */
function scrubbedEnvironment({ home, temporary }: { home: string; temporary: string }): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8', TMPDIR: temporary };
}
