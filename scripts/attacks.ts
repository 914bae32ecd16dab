/**
 * `npm run attacks [-- --json]`: tries every way of the attack table to open a gate, each on a journal of its own, and says
 * how the host answered. Its last line is `{"attacks":N,"opened":0}`; ends with 0 when none opened a gate and each was answered as the
 * table has it.
 */
import { parseArgs } from 'node:util';
import { attackGate, GATE_ATTACKS } from '../test/host-agent/gate/attack.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
let opened = 0;
let isAsExpected = true;
for (const [what, code] of GATE_ATTACKS) {
  const { refusal, isOpened, isUnchanged } = attackGate(what);
  if (isOpened) opened += 1;
  isAsExpected &&= refusal === code && isUnchanged;
  const answer = isOpened ? 'OPENED' : (refusal ?? 'nothing was refused');
  const disk = isUnchanged ? '' : ', and changed the journal';
  if (!values.json) process.stdout.write(`${answer.padEnd(30)} ${what}${disk}\n`);
}
process.stdout.write(`${JSON.stringify({ attacks: GATE_ATTACKS.size, opened })}\n`);
process.exitCode = opened === 0 && isAsExpected ? 0 : 1;
