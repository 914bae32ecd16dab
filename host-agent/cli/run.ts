import { serviceLog } from '../../shared/service/service-log.ts';
import { untilToldToStop } from '../../shared/service/until-stopped.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { startAgent } from '../agent.ts';

/** Runs the agent until it is told to stop. Errors: those of `startAgent` and of its work; `UsageError`. */
export async function runAgent(stateDirectory: string): Promise<void> {
  const log = serviceLog('agent');
  const agent = await startAgent({ stateDirectory, clock: systemClock, random: Math.random, log });
  process.stdout.write(`agent ready: ${agent.config.host}\n`);
  await Promise.race([untilToldToStop(), agent.ended]);
  await agent.stop();
}
