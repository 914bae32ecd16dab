/**
 * A process that follows orders as an agent does, and at the boundary whose number it is given sends itself SIGKILL: an enable order
 * opens the gate, a live process runs to its end, a second one is killed with the gate. What it has acknowledged it writes to its
 * output, each on a line, before it goes on.
 *
 *   node killed-orders.ts FOLDER BOUNDARY
 */
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { followRunLive } from '../../../host-agent/live/follow-run-live.ts';
import { followEnable } from '../../../host-agent/orders/follow-enable.ts';
import { followKill } from '../../../host-agent/orders/follow-kill.ts';
import { detectSandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import { memorySource } from '../../../shared/trust/source.ts';
import { APP } from '../../support/world-release.ts';
import { LiveHost } from '../live/live-world.ts';
import { LIVES, type Recorded, SCENARIO } from './order-story.ts';

const [folder = '', last = ''] = process.argv.slice(2);
const recorded = JSON.parse(readFileSync(join(folder, 'recorded.json'), 'utf8')) as Recorded;
const bytesOf = (files: Recorded['metadata']) =>
  new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64')]));
const trustSource = memorySource(bytesOf(recorded.metadata), bytesOf(recorded.targets));
const host = new LiveHost({ trustSource }, await detectSandbox(), folder);
const { means, directives } = host;
let boundary = 0;

function at(name: string): void {
  boundary += 1;
  if (boundary !== Number(last)) return;
  writeSync(1, `killed at ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Each call of the method is a boundary before and one behind. */
function walk<T extends object>(object: T, name: keyof T & string): void {
  const act = object[name] as (...words: unknown[]) => unknown;
  const walked = (...words: unknown[]) => {
    at(`before ${name}`);
    const result = act.apply(object, words);
    at(`after ${name}`);
    return result;
  };
  Object.defineProperty(object, name, { value: walked });
}

walk(directives, 'accept');
walk(directives, 'markHandled');
walk(means.outbox, 'append');
walk(means.outbox, 'announce');
walk(means.gates, 'saveOffer');
walk(means.lives, 'start');
walk(means.lives, 'end');
walk(means.registry, 'add');

function acknowledged(line: string): void {
  writeSync(1, `${line}\n`);
  at(`after ${line}`);
}

host.scenario(SCENARIO);
const directive = directiveCodec.decode(Buffer.from(recorded.enable, 'base64'));
if (directive.kind !== 'enable') throw new Error('there is no order');
const enabling = host.accept(directive);
acknowledged('order stored');
await followEnable(directive.enable, enabling, means);
acknowledged('enabled');
for (const liveId of LIVES) {
  const runLive = { liveId, app: APP, entrypoint: 'live' };
  const stored = host.accept({ kind: 'runLive', runLive });
  await followRunLive(runLive, stored, means);
  acknowledged('started');
  if (liveId === LIVES[0]) await means.registry.gone(APP);
}
const order = Buffer.from('a kill');
const kill = { app: APP, order, reason: 'smoke' };
const killing = host.accept({ kind: 'kill', kill });
acknowledged('killed 1');
followKill(kill, killing, means);
await means.registry.gone(APP);
while (!host.receipts(order).some(({ answer }) => answer === 'stopped')) await new Promise(setImmediate);
writeSync(1, 'done\n');
process.exit(0);
