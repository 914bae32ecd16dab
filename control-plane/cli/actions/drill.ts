/** `keyturn drill`: orders that must be refused. An order that is admitted is an alarm. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { showRefusals } from '../drill-result.ts';
import { drilledNames, followDrill } from '../follow-drill.ts';
import { outputOf } from '../output.ts';

interface DrillOptions {
  readonly app: string;
  readonly host?: readonly string[];
  readonly all?: boolean;
  readonly wait: number;
}

export async function runDrill(command: Command): Promise<void> {
  const options = command.opts<DrillOptions>();
  const hosts = drilledNames(options);
  const { drillId, rows } = await withControlPlane(command, 'operator', async (publisher) => {
    const { drillId } = await publisher.client.startDrill({ app: options.app, hosts });
    return { drillId, rows: await followDrill(drillId, { publisher, patienceMs: options.wait }) };
  });
  showRefusals(rows, { drill: drillId, output: outputOf(command) });
}
