/** `keyturn operator`: issue, list, revoke. */

import type { Command } from 'commander';
import { countParser } from '../count.ts';

/** The authority issues for no longer. */
const MOST_DAYS = 366;

export function addOperator(program: Command): void {
  const operator = program
    .command('operator')
    .description('issue, list and revoke the certificates of people and pipelines');
  operator
    .command('issue <name>')
    .description("issue a client certificate, on the control plane's own machine")
    .requiredOption('--role <role>', 'what it may do: viewer, operator or releaser')
    .option('--days <n>', 'how long it is valid; 90 unless said', countParser('--days', { most: MOST_DAYS }))
    .option('--out <file>', 'where its certificate and key are written; NAME.json unless said')
    .option('--folder <folder>', "the control plane's folder; control-plane in the home unless said")
    .option('--address <host:port>', 'where operators find the control plane; as the others of this home unless said')
    .action(async (name: string, _options, command: Command) => {
      const { issueOperatorFile } = await import('../actions/operator-issue.ts');
      await issueOperatorFile(name, command);
    });
  operator
    .command('list')
    .description('certificates that were issued, with their roles')
    .action(async (_options, command: Command) => {
      const { listOperators } = await import('../actions/operators.ts');
      await listOperators(command);
    });
  operator
    .command('revoke <name>')
    .description('end what an operator has open at once and refuse its certificates from now on')
    .option('--serial <hex>', 'only the certificate with this serial number; all of that name unless said')
    .action(async (name: string, _options, command: Command) => {
      const { revokeOperator } = await import('../actions/operators.ts');
      await revokeOperator(name, command);
    });
}
