/** Goes on only with leave of the execution gate; whatever is not its yes is a no. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

let isOpen = false;
try {
  const permit = readFileSync(process.env.KEYTURN_PERMIT, 'utf8').trim();
  const gate = connect({ path: process.env.KEYTURN_GATE_SOCKET });
  gate.setTimeout(5_000, () => gate.destroy());
  gate.write(`${JSON.stringify({ permit, entrypoint: 'live' })}\n`);
  for await (const answer of gate.setEncoding('latin1')) {
    isOpen = answer === '{"open":true}\n';
    break;
  }
} catch {} // no file, no gate, no answer: all of it is a no
if (!isOpen) {
  console.error('LIVE refused');
  process.exit(77);
}
console.log('the gate is open');
