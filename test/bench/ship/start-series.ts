/** How long commands take that do next to nothing, beside a Node that does nothing. */
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import type { Bench } from './bench.ts';

export interface StartRound {
  readonly bareMs: number;
  readonly helpMs: number;
  readonly listMs: number;
}

export function startRounds(bench: Bench): Promise<StartRound[]> {
  return bench.once('starts', async () => {
    const { node } = await bench.programs();
    const plane = await bench.plane();
    const env = plainEnvironment(bench.folder);
    bench.say(`${bench.scale.startPairs} starts of each command`);
    const rounds: StartRound[] = [];
    for (let round = 0; round < bench.scale.startPairs; round += 1) {
      rounds.push({
        bareMs: (await runCommand([node, '-e', '0'], { env })).ms,
        helpMs: (await plane.run(['--help'])).ms,
        listMs: (await plane.run(['host', 'list'])).ms,
      });
    }
    return rounds;
  });
}
