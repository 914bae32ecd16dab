import type { Command } from 'commander';

/** For commands that sign decisions. */
export function signingOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'its first line is the passphrase of the key file')
    .option('--no-passphrase', 'the key file is not encrypted')
    .option('--yes', 'sign without being asked');
}
