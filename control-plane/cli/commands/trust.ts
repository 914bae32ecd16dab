/** `keyturn trust` and `keyturn policy`: rotation, releasers, policy. All of it is signed here and only relayed there. */

import type { Command } from 'commander';
import { countParser } from '../count.ts';

/** Keys that one role can have: as many as signatures on one file. */
const MOST_KEYS = 64;

export function addTrust(program: Command): void {
  const trust = program.command('trust').description('rotate keys, add and remove releasers, show who may sign what');
  passphraseOptions(
    trust
      .command('rotate <role>')
      .description('replace the keys of a role (root, targets, snapshot); signed by the old and the new root keys'),
  ).action(async (role: string, _options, command: Command) => {
    const { rotate } = await import('../actions/trust-rotate.ts');
    await rotate(role, command);
  });
  passphraseOptions(
    trust
      .command('add-releaser <app>')
      .description('let a key sign releases of an application')
      .option('--key <file>', 'a public key (SPKI PEM); a new key is made unless given')
      .option(
        '--threshold <n>',
        'how many of the keys must sign from now on',
        countParser('--threshold', { most: MOST_KEYS }),
      ),
  ).action(async (app: string, _options, command: Command) => {
    const { addReleaser } = await import('../actions/trust-releasers.ts');
    await addReleaser(app, command);
  });
  passphraseOptions(
    trust
      .command('remove-releaser <app> <key-id>')
      .description('take a release key away; its threshold must stay reachable'),
  ).action(async (app: string, keyId: string, _options, command: Command) => {
    const { removeReleaser } = await import('../actions/trust-releasers.ts');
    await removeReleaser({ app, keyId }, command);
  });
  trust
    .command('show')
    .description('roles, keys, thresholds, versions, expiry')
    .action(async (_options, command: Command) => {
      const { showTrust } = await import('../actions/trust-show.ts');
      await showTrust(command);
    });
  const policy = program.command('policy').description('who may approve what, and what a host demands');
  passphraseOptions(
    policy.command('sign').description('check policy.json, sign it with the targets keys, publish it'),
  ).action(async (_options, command: Command) => {
    const { signPolicy } = await import('../actions/policy-sign.ts');
    await signPolicy(command);
  });
}

function passphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'its first line is the passphrase of the key files')
    .option('--no-passphrase', 'the key files are not encrypted');
}
