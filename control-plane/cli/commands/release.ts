/** `keyturn release`: build, push, list, show, export. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { openKtr, readKtrRelease } from '../../../shared/release/ktr.ts';
import { releaseTargetPath } from '../../../shared/release/release-statement.ts';
import { releaseRoleOf } from '../../../shared/trust/tuf-metadata.ts';
import { buildRelease } from '../../build/build-release.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { exportArchive } from '../export-archive.ts';
import { outputOf } from '../output.ts';
import { type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { progressLine } from '../progress-line.ts';
import { readReleaseStatement } from '../published-release.ts';
import { pushRelease } from '../push.ts';
import { parseReleaseName } from '../release-name.ts';

export function addRelease(program: Command): void {
  const release = program.command('release').description('build, push, list, show and export releases');
  release
    .command('build')
    .description('build a release from a commit: gates G0 to G2, archive, manifest, provenance, one .ktr bundle')
    .requiredOption('--repo <path>', 'the git repository')
    .requiredOption('--ref <ref>', 'tag, branch or commit')
    .option('--config <file>', 'a keyturn.yaml outside the repository')
    .option('--release-version <version>', 'the version, when the ref is no tag')
    .option('--out <file>', 'where the bundle goes; <name>-<version>.ktr unless said')
    .action(async (_options, command: Command) => build(command));
  release
    .command('push <bundle>')
    .description('upload what is missing, sign the statement with the release keys, publish it')
    .option('--passphrase-file <file>', 'its first line decrypts the key files')
    .action(async (bundle: string, _options, command: Command) => push(bundle, command));
  release
    .command('list')
    .description('the published releases')
    .action(async (_options, command: Command) => list(command));
  release
    .command('show <release>')
    .description('one release: NAME@VERSION of the control plane, or a .ktr file')
    .action(async (name: string, _options, command: Command) => show(name, command));
  release
    .command('export <release>')
    .description('write the archive whose SHA-256 the release statement names')
    .option('--out <file>', 'where the archive goes; its own name unless said')
    .action(async (name: string, _options, command: Command) => exportRelease(name, command));
}

async function build(command: Command): Promise<void> {
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
  });
  const { statement, ktrPath, manifest } = built;
  output.result({ bundle: ktrPath, statement, gates: built.summary }, () => [
    `${statement.app}@${statement.version} from ${statement.commit.slice(0, 7)}`,
    ...built.summary.gates.map(({ gate, status }) => `  ${gate}  ${status}`),
    `  tree     ${statement.treeDigest}, ${manifest.entries.length} files`,
    `  archive  ${statement.archive.sha256}, ${statement.archive.size} bytes`,
    `  bundle   ${ktrPath}`,
  ]);
}

async function push(bundle: string, command: Command): Promise<void> {
  const output = outputOf(command);
  const ktr = await openKtr(resolve(bundle));
  const { statement } = await readKtrRelease(ktr);
  const home = homeOf(command);
  const keys = await withPassphrase(command.optsWithGlobals() as PassphraseOptions, (passphrase) => ({
    release: home.loadKeys(releaseRoleOf(statement.app), passphrase),
    snapshot: home.loadKeys('snapshot', passphrase),
  }));
  const progress = progressLine(process.stderr, { label: 'upload', isQuiet: output.isJson });
  const receipt = await withControlPlane(command, 'releaser', (publisher) =>
    pushRelease(ktr, { publisher, keys, onProgress: progress.update }),
  );
  progress.end();
  output.result(receipt, () => [
    `pushed ${receipt.app}@${receipt.version}`,
    `  statement ${receipt.statementDigest}, signed by ${keys.release.length} release key${keys.release.length === 1 ? '' : 's'}`,
    `  ${receipt.uploadedBlobs} blobs uploaded (${receipt.uploadedBytes} bytes), ${receipt.presentBlobs} were there`,
  ]);
}

async function list(command: Command): Promise<void> {
  const { releases } = await withControlPlane(command, 'viewer', ({ client }) => client.listReleases({}));
  outputOf(command).result({ releases }, () =>
    releases.length === 0
      ? ['no releases']
      : releases.map(({ app, version, statementSha256 }) => `${app}@${version}  ${statementSha256}`),
  );
}

async function show(name: string, command: Command): Promise<void> {
  const output = outputOf(command);
  const statement = name.endsWith('.ktr')
    ? (await readKtrRelease(await openKtr(resolve(name)))).statement
    : await withControlPlane(command, 'viewer', (publisher) => readReleaseStatement(parseReleaseName(name), publisher));
  output.result({ statement }, () => [
    `${statement.app}@${statement.version}  (${releaseTargetPath(statement.app, statement.version)})`,
    `  commit        ${statement.commit}`,
    `  tree          ${statement.treeDigest}`,
    `  manifest      ${statement.manifest.sha256}`,
    `  plan          ${statement.plan.sha256}`,
    `  build record  ${statement.buildRecord.sha256}`,
    `  provenance    ${statement.provenance.sha256}`,
    `  archive       ${statement.archive.sha256}  ${statement.archive.name}`,
  ]);
}

async function exportRelease(name: string, command: Command): Promise<void> {
  const out = command.optsWithGlobals().out as string | undefined;
  const exported = name.endsWith('.ktr')
    ? await exportArchive({ ktr: await openKtr(resolve(name)) }, out)
    : await withControlPlane(command, 'viewer', async (publisher) => {
        const statement = await readReleaseStatement(parseReleaseName(name), publisher);
        return exportArchive({ statement, client: publisher.client }, out);
      });
  outputOf(command).result(exported, () => [
    `${exported.path}`,
    `  sha256 ${exported.sha256}, ${exported.bytes} bytes`,
  ]);
}
