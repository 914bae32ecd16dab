/** `keyturn drill kill`: how long a kill takes, measured on an application that stands nowhere. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { showKills } from '../drill-result.ts';
import { drilledNames, followDrill } from '../follow-drill.ts';
import { outputOf } from '../output.ts';

interface KillDrillOptions {
  readonly host?: readonly string[];
  readonly all?: boolean;
  readonly rounds: number;
  readonly wait: number;
}

export async function runKillDrill(command: Command): Promise<void> {
  const options = command.opts<KillDrillOptions>();
  const hosts = drilledNames(options);
  const { drillId, rows } = await withControlPlane(command, 'operator', async (publisher) => {
    const { drillId } = await publisher.client.startKillDrill({ hosts, rounds: options.rounds });
    return { drillId, rows: await followDrill(drillId, { publisher, patienceMs: options.wait }) };
  });
  showKills(rows, { drill: drillId, output: outputOf(command) });
}
