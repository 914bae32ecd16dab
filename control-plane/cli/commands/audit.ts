/** `keyturn audit`: list, verify, export. */

import type { Command } from 'commander';
import { countParser } from '../count.ts';

const MOST_ENTRIES = 999_999_999;

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('list, verify and export the log of everything that was decided');
  audit
    .command('list')
    .description('entries of the transparency log, oldest first')
    .option(
      '--first <n>',
      'the place of the first one; 0 unless said',
      countParser('--first', { least: 0, most: MOST_ENTRIES }),
    )
    .option('--limit <n>', 'how many at most; all unless said', countParser('--limit', { most: MOST_ENTRIES }))
    .action(async (_options, command: Command) => {
      const { listAudit } = await import('../actions/audit.ts');
      await listAudit(command);
    });
  audit
    .command('verify')
    .description('check every entry against the signed state of the log, and that state against the last one seen here')
    .action(async (_options, command: Command) => {
      const { verifyAudit } = await import('../actions/audit.ts');
      await verifyAudit(command);
    });
  audit
    .command('export')
    .description(
      'write entries with their documents and the signed state of the log into one file, for `verify-bundle`',
    )
    .requiredOption('--out <file>', 'where it goes')
    .option(
      '--first <n>',
      'the place of the first one; 0 unless said',
      countParser('--first', { least: 0, most: MOST_ENTRIES }),
    )
    .option('--limit <n>', 'how many at most; all unless said', countParser('--limit', { most: MOST_ENTRIES }))
    .action(async (_options, command: Command) => {
      const { exportAudit } = await import('../actions/audit-export.ts');
      await exportAudit(command);
    });
}
