/**
 * `npm run attacks [-- --json] [-- --gate]`: tries every way of the attack tables to open a gate, and says how the host answered. First
 * those on the gate, each on a journal of its own; then those over the real wire, on real agents (left out with `--gate`). Its last
 * line is `{"attacks":N,"opened":0}`; ends with 0 when none opened a gate and each was answered as its table has it.
 */
import { parseArgs } from 'node:util';
import { WIRE_ATTACKS } from '../test/end-to-end/wire-attacks.ts';
import { attackGate, GATE_ATTACKS } from '../test/host-agent/gate/attack.ts';
import { OrderWorld } from '../test/support/order-world.ts';

interface Tried {
  readonly what: string;
  readonly answer: string;
  readonly isOpened: boolean;
  readonly isAsExpected: boolean;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, gate: { type: 'boolean', default: false } },
});
const tried: Tried[] = [];
for (const one of onGate()) tell(one);
if (!values.gate) for await (const one of overWire()) tell(one);
const opened = tried.filter(({ isOpened }) => isOpened).length;
process.stdout.write(`${JSON.stringify({ attacks: tried.length, opened })}\n`);
process.exitCode = opened === 0 && tried.every(({ isAsExpected }) => isAsExpected) ? 0 : 1;

function tell(one: Tried): void {
  tried.push(one);
  if (values.json) return;
  const answer = one.isOpened ? 'OPENED' : one.answer;
  process.stdout.write(`${answer.slice(0, 30).padEnd(30)} ${one.what}${one.isAsExpected ? '' : ': NOT AS EXPECTED'}\n`);
}

function* onGate(): Generator<Tried> {
  for (const [what, code] of GATE_ATTACKS) {
    const { refusal, isOpened, isUnchanged } = attackGate(what);
    yield { what, isOpened, answer: refusal ?? 'nothing was refused', isAsExpected: refusal === code && isUnchanged };
  }
}

async function* overWire(): AsyncGenerator<Tried> {
  await using orders = await OrderWorld.start();
  const quiet = await orders.provenHost();
  for (const [what, [expected, attempt]] of Object.entries(WIRE_ATTACKS)) {
    const { answer, isOpened } = await attempt({ orders, quiet });
    yield { what, isOpened, answer, isAsExpected: expected.test(answer) };
  }
}
