/** P9: what hosts answered is in the log, and so are the kills that nobody sent. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ReceiptLog } from '../../../control-plane/governance/log-receipts.ts';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import { addHost } from '../../../control-plane/store/hosts.ts';
import { addOrder, addReceipt } from '../../../control-plane/store/orders.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { TransparencyLog } from '../../../control-plane/transparency/transparency-log.ts';
import { sha256 } from '../../../shared/digest.ts';
import { encodeKillRecord } from '../../../shared/orders/kill-record.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { LOG } from '../../support/enable-world.ts';

const bytes = (text: string) => Buffer.from(text);

describe('control-plane/governance/log-receipts', () => {
  let folder: string;
  let store: Store;
  let log: TransparencyLog;
  let receipts: ReceiptLog;
  const errors: string[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-receipts-'));
    store = await openSqliteStore(join(folder, 'store.sqlite'));
    await addHost(store, 'web-1', 1);
    log = new TransparencyLog({ store, signer: LOG, clock: new FakeClock() });
    receipts = new ReceiptLog({ store, log, onError: (action) => errors.push(action) });
  });
  afterEach(async () => {
    if (errors.length === 0) await store.destroy();
    errors.length = 0;
    rmSync(folder, { recursive: true, force: true });
  });

  const logged = async () =>
    (await log.entries(0, 100)).map(({ kind, document }) => `${kind} ${document.toString('utf8')}`);

  it('writes an answer behind the kill that it answers, where the kill happened on the host itself', async () => {
    const record = { app: 'demo', hosts: ['web-1'], reason: 'smoke', by: 'a file KILL', atMs: 1 };
    const order = encodeKillRecord({ from: 'host', ...record });
    receipts.add({ order, receipt: bytes('killed') });
    await receipts.settled();
    expect(await logged()).to.deep.equal([`kill ${order.toString('utf8')}`, 'receipt killed']);
  });

  it('writes nothing but the answer where a host answers to what is no record of its own', async () => {
    const record = { app: 'demo', hosts: ['web-1'], reason: 'smoke', by: 'anna', atMs: 1 };
    const notItsOwn = [encodeKillRecord({ from: 'session', ...record }), bytes('anything')];
    for (const order of notItsOwn) receipts.add({ order, receipt: Buffer.concat([bytes('to '), order]) });
    await receipts.settled();
    expect(await logged()).to.deep.equal(notItsOwn.map((order) => `receipt to ${order.toString('utf8')}`));
  });

  it('writes no order a second time that was sent from here', async () => {
    const document = bytes('an order');
    await addOrder(store, { sha256: sha256(document), kind: 'enable', app: 'demo', document, ordered_at: 1 });
    receipts.add({ order: document, receipt: bytes('admitted') });
    await receipts.settled();
    expect(await logged()).to.deep.equal(['receipt admitted']);
  });

  it('writes all that comes while it writes, each once', async () => {
    for (let index = 0; index < 20; index += 1) {
      const document = bytes(`order ${index}`);
      await addOrder(store, { sha256: sha256(document), kind: 'kill', app: 'demo', document, ordered_at: 1 });
      receipts.add({ order: document, receipt: bytes(`answer ${index}`) });
      receipts.add({ order: document, receipt: bytes(`answer ${index}`) });
    }
    await receipts.settled();
    const lines = await logged();
    expect(lines).to.have.length(20);
    expect(new Set(lines).size).to.equal(20);
  });

  it('writes at its start what the store holds and the log lacks', async () => {
    for (const answer of ['first', 'second']) {
      const row = { order_sha256: 'a', host: 'web-1', answer, envelope: bytes(answer), received_at: 1 };
      await addReceipt(store, row);
    }
    await log.append([{ kind: 'receipt', document: bytes('first') }]);
    await receipts.catchUp();
    expect(await logged()).to.deep.equal(['receipt first', 'receipt second']);
  });

  it('tells of what could not be written, and never throws', async () => {
    await store.destroy();
    receipts.add({ order: bytes('an order'), receipt: bytes('an answer') });
    await receipts.settled();
    expect(errors).to.deep.equal(['log what hosts answered']);
  });
});
