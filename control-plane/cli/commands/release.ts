/** `keyturn release`: build, push, list, show, export. */

import type { Command } from 'commander';

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
    .action(async (_options, command: Command) => {
      const { build } = await import('../actions/release-build.ts');
      await build(command);
    });
  release
    .command('push <bundle>')
    .description('upload what is missing, sign the statement with the release keys, publish it')
    .option('--passphrase-file <file>', 'its first line decrypts the key files')
    .action(async (bundle: string, _options, command: Command) => {
      const { push } = await import('../actions/release-push.ts');
      await push(bundle, command);
    });
  release
    .command('list')
    .description('the published releases')
    .action(async (_options, command: Command) => {
      const { list } = await import('../actions/release-list.ts');
      await list(command);
    });
  release
    .command('show <release>')
    .description('one release: NAME@VERSION of the control plane, or a .ktr file')
    .action(async (name: string, _options, command: Command) => {
      const { show } = await import('../actions/release-show.ts');
      await show(name, command);
    });
  release
    .command('export <release>')
    .description('write the archive whose SHA-256 the release statement names')
    .option('--out <file>', 'where the archive goes; its own name unless said')
    .action(async (name: string, _options, command: Command) => {
      const { exportRelease } = await import('../actions/release-export.ts');
      await exportRelease(name, command);
    });
}
