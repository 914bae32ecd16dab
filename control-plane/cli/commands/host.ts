/** `keyturn host`: token, list, revoke. */

import type { Command } from 'commander';
import { parseAddress } from '../address.ts';
import { countParser } from '../count.ts';

const WEEK_MINUTES = 7 * 24 * 60;

export function addHost(program: Command): void {
  const host = program.command('host').description('enrol, list and revoke hosts');
  host
    .command('token <host>')
    .description('write the enrolment bundle of a host: a single-use token, the CA, and the trust root pinned here')
    .option('--join <host:port>', 'the join listener as the host will reach it', address('--join'), '127.0.0.1:7444')
    .option('--gateway <host:port>', 'the gateway as the host will reach it', address('--gateway'), '127.0.0.1:7443')
    .option('--minutes <n>', 'how long the token can be used', countParser('--minutes', { most: WEEK_MINUTES }), 60)
    .option('--out <file>', 'where the bundle goes; <host>.enrolment unless said')
    .action(async (name: string, _options, command: Command) => {
      const { writeEnrolmentBundle } = await import('../actions/host-token.ts');
      await writeEnrolmentBundle(name, command);
    });
  host
    .command('list')
    .description('hosts, connected or not')
    .action(async (_options, command: Command) => {
      const { listHosts } = await import('../actions/hosts.ts');
      await listHosts(command);
    });
  host
    .command('revoke <host>')
    .description('end the session of a host at once and refuse it from now on')
    .action(async (name: string, _options, command: Command) => {
      const { revokeHost } = await import('../actions/hosts.ts');
      await revokeHost(name, command);
    });
}

/** Checks an address that somebody else will dial; it stays text. */
function address(option: string): (text: string) => string {
  return (text) => {
    parseAddress(text, option);
    return text;
  };
}
