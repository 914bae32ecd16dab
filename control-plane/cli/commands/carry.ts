/** `keyturn carry`: what goes to a host that no network reaches. */

import type { Command } from 'commander';
import { countParser } from '../count.ts';

const MOST_ENTRIES = 999_999_999;

export function addCarry(program: Command): void {
  const carry = program.command('carry').description('files for hosts that no network reaches');
  carry
    .command('order <request>')
    .description('write a signed enable order (a file, or its name in the inbox) for one of its hosts')
    .requiredOption('--host <host>', 'for which of its hosts')
    .requiredOption('--out <file>', 'where it goes')
    .option(
      '--log-size <n>',
      'how many entries of the log the host has seen, as `keyturn-agent status` on the host says; what it signed last unless said',
      countParser('--log-size', { least: 0, most: MOST_ENTRIES }),
    )
    .action(async (request: string, _options, command: Command) => {
      const { carryOrder } = await import('../actions/carry-order.ts');
      await carryOrder(request, command);
    });
}
