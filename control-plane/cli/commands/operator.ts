/** `keyturn operator`: list, revoke. */

import type { Command } from 'commander';

export function addOperator(program: Command): void {
  const operator = program.command('operator').description('list and revoke the certificates of people and pipelines');
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
