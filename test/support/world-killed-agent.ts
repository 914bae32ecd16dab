/**
 * The agent as a program that kills itself: `world-killed-agent.ts STATE BOUNDARY NTH` runs until the NTH time that it
 * comes to BOUNDARY, and there sends itself SIGKILL. Nothing is caught, flushed or closed behind that. Without a
 * boundary it runs until somebody else kills it.
 */
import { startAgent } from '../../host-agent/agent.ts';
import { serviceLog } from '../../shared/service/service-log.ts';
import { systemClock } from '../../shared/time/clock.ts';

const [stateDirectory = '', boundary, nth = '1'] = process.argv.slice(2);
let seen = 0;

const agent = await startAgent({
  stateDirectory,
  clock: systemClock,
  random: () => 0,
  log: serviceLog('agent'),
  testOnlyAtBoundary: (at) => {
    if (at === boundary) seen += 1;
    if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL');
  },
});
await agent.ended;
