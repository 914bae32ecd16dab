/** `keyturn serve`: the control plane in this process, until it is told to stop. */

import type { Command } from 'commander';
import { durationParser } from '../duration.ts';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the control plane')
    .option('--folder <folder>', 'what the ceremony made for the control plane; <home>/control-plane unless said')
    .option('--listen <host:port>', 'for enrolled agents and operators (mTLS)', '127.0.0.1:7443')
    .option('--join <host:port>', 'for hosts that join (TLS)', '127.0.0.1:7444')
    .option('--name <name...>', 'DNS names and addresses for the server certificate', [])
    .option('--reports <folder>', 'where report documents go; <folder>/reports unless said')
    .option('--reports-git <repository>', 'commit reports into this git repository, too')
    .option('--reports-http <url>', 'send reports to this items API, too')
    .option('--reports-http-collection <name>', 'the collection there', 'reports')
    .option(
      '--drill-every <duration>',
      'drill all connected hosts by itself; never unless said',
      durationParser('--drill-every'),
    )
    .option('--reports-http-token-file <file>', 'a file with the bearer token')
    .action(async (_options, command: Command) => {
      const { serve } = await import('../actions/serve.ts');
      await serve(command);
    });
}
