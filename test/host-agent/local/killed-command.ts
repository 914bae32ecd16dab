/** A kill without an agent, as a process that sends itself SIGKILL at a boundary: `killed-command.ts STATE BOUNDARY APP`. */
import { writeSync } from 'node:fs';
import { killWithoutAgent } from '../../../host-agent/local/kill-without-agent.ts';

const [state = '', boundary, app = ''] = process.argv.slice(2);

function at(name: string): void {
  if (name === boundary) process.kill(process.pid, 'SIGKILL');
}

const request = { do: 'kill', app, reason: 'smoke', by: 'root' } as const;
for await (const { said } of killWithoutAgent(state, request, { nowMs: Date.now, testOnlyAtBoundary: at })) {
  writeSync(1, `${said}\n`);
  at(`said ${said}`);
}
