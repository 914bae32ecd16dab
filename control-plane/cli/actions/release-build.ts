/** `keyturn release build`. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { BuildRefused, buildRelease } from '../../build/build-release.ts';
import { capsuleLines } from '../ledger-table.ts';
import { type CommandOutput, outputOf } from '../output.ts';

export async function build(command: Command): Promise<void> {
  const { repo, ref, config, releaseVersion, out } = command.optsWithGlobals();
  const output = outputOf(command);
  const built = await buildRelease({
    repository: resolve(repo),
    ref,
    kinds: planKinds,
    ...(config !== undefined && { config: resolve(config) }),
    ...(releaseVersion !== undefined && { version: releaseVersion }),
    ...(out !== undefined && { out: resolve(out) }),
    onStep: ({ gate, check }) => output.note(`${gate} ${check}`),
  }).catch((error: unknown) => {
    if (error instanceof BuildRefused) showCapsules(error, output);
    throw error;
  });
  const { statement, ktrPath, manifest, summary } = built;
  output.result({ bundle: ktrPath, statement, gates: summary }, () => [
    `${statement.app}@${statement.version} from ${statement.commit.slice(0, 7)}`,
    ...summary.gates.map(({ gate, status }) => `  ${gate}  ${status}`),
    ...summary.findings.map(({ code, statement: finding }) => `  finding ${code}: ${finding}`),
    `  tree     ${statement.treeDigest}, ${manifest.entries.length} files`,
    `  archive  ${statement.archive.sha256}, ${statement.archive.size} bytes`,
    `  bundle   ${ktrPath}`,
  ]);
}

/** What a project's own tests printed last is why they failed; the message that follows only says that they did. */
function showCapsules({ summary }: BuildRefused, output: CommandOutput): void {
  for (const { id, status, capsule } of summary.checks) {
    if (status === 'PASS' || capsule === undefined) continue;
    output.note(`${id}: ${status}`);
    for (const line of capsuleLines(capsule)) output.note(line);
  }
}
