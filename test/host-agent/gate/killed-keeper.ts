/**
 * A process that opens a gate, is killed, opens it again and kills the gate, and at the boundary whose number it is given
 * sends itself SIGKILL. What it has acknowledged it writes to its output, each on a line, before it goes on.
 *
 *   node killed-keeper.ts FOLDER BOUNDARY
 */
import { writeSync } from 'node:fs';
import { GateKeeper } from '../../../host-agent/gate/gate-keeper.ts';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { createJournal } from '../../../host-agent/journal/journal.ts';
import { admit, type EnableOffer } from '../../../shared/orders/admit.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { NOW_MS, offerOf, orderOf, sign, TestLog } from '../../support/enable-world.ts';
import { APP, groundOf } from './gate-world.ts';

const [folder = '', last = ''] = process.argv.slice(2);
let boundary = 0;

function at(name: string): void {
  boundary += 1;
  if (boundary !== Number(last)) return;
  writeSync(1, `killed at ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

const database = createJournal(folder);
const store = new GateStore(database);
const keeper = new GateKeeper({
  store,
  nowMs: () => NOW_MS,
  steadyMs: () => NOW_MS,
  onClosed: () => at('what runs is ended'),
});
const report = (text: string) => {
  at('before the report is written');
  database.prepare('insert into outbox (bytes) values (?)').run(Buffer.from(text));
  at('in the transaction');
};

function enable(offer: EnableOffer, name: string): void {
  const ground = groundOf();
  at(`before ${name}`);
  keeper.enable(APP, {
    decide: (gate) => admit(offer, { ...ground, ...gate }),
    envelope: offer.envelope,
    freshUntilMs: ground.freshUntilMs,
    receipt: () => report(`admitted ${name}`),
  });
  writeSync(1, `${name}\n`);
  at(`after ${name}`);
}

function kill(reason: string): void {
  at(`before ${reason}`);
  const epoch = keeper.kill(APP, { reason, receipt: () => report(reason) });
  writeSync(1, `kill ${epoch}\n`);
  at(`after ${reason}`);
}

for (let epoch = 1; epoch <= 3; epoch += 1) kill(`kill ${epoch}`);
const log = new TestLog();
enable(offerOf(sign(encodeEnableOrder(orderOf())), log), 'enable one');
enable(offerOf(sign(encodeEnableOrder(orderOf({ nonce: 'e'.repeat(32) }))), log), 'enable two');
kill('the last kill');
writeSync(1, 'done\n');
