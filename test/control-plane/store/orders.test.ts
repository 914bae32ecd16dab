/** Orders, answers, gates, decisions and live runs, in a real store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import { findDecisions, listDecisions, saveDecision } from '../../../control-plane/store/decisions.ts';
import { addHost } from '../../../control-plane/store/hosts.ts';
import { addLiveRun, findLiveRun, refuseLiveRun } from '../../../control-plane/store/live-runs.ts';
import {
  addOrder,
  addOrderHost,
  addReceipt,
  findOrder,
  gatesOf,
  hostsOfOrder,
  markDelivered,
  receiptsOfOrder,
  saveGate,
  seenLogSizes,
} from '../../../control-plane/store/orders.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { LIMITS } from '../../../shared/limits.ts';

const WEB = { host: 'web-1', incarnation: 1 };
const document = Buffer.from('an order');

describe('control-plane/store: orders', () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-orders-'));
    store = await openSqliteStore(join(folder, 'store.sqlite'));
    for (const name of ['web-1', 'web-2']) await addHost(store, name, 1);
    await addOrder(store, { sha256: 'a', kind: 'kill', app: 'demo', document, ordered_at: 1 });
  });
  afterEach(async () => {
    await store.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const receipt = (answer: string, received_at = 2) => ({
    order_sha256: 'a',
    host: 'web-1',
    answer,
    envelope: Buffer.from(`${answer} ${received_at}`),
    received_at,
  });

  it('has an order once, as it was first', async () => {
    await addOrder(store, { sha256: 'a', kind: 'kill', app: 'other', document, ordered_at: 9 });
    expect(await findOrder(store, 'a')).to.include({ app: 'demo', ordered_at: 1 });
    expect(await findOrder(store, 'b')).to.equal(undefined);
  });

  it('knows when each host had it, and which orders that is news of', async () => {
    for (const seq of [3, 5]) {
      const digest = `order ${seq}`;
      await addOrder(store, { sha256: digest, kind: 'kill', app: 'demo', document, ordered_at: 1 });
      await addOrderHost(store, { order_sha256: digest, ...WEB, seq });
    }
    expect(await markDelivered(store, WEB, { seq: 4, now: 10 })).to.deep.equal(['order 3']);
    expect(await markDelivered(store, WEB, { seq: 4, now: 11 })).to.deep.equal([]);
    expect(await markDelivered(store, { ...WEB, incarnation: 2 }, { seq: 9, now: 12 })).to.deep.equal([]);
    expect(await markDelivered(store, WEB, { seq: 9, now: 13 })).to.deep.equal(['order 5']);
    expect((await hostsOfOrder(store, 'order 3'))[0]).to.include({ delivered_at: 10 });
  });

  it('counts an order that is sent again from then: earlier answers are no answers to it', async () => {
    await addOrderHost(store, { order_sha256: 'a', ...WEB, seq: 1 });
    await markDelivered(store, WEB, { seq: 1, now: 2 });
    await addReceipt(store, receipt('killed'));
    await addOrderHost(store, { order_sha256: 'a', ...WEB, seq: 2 });
    expect(await receiptsOfOrder(store, 'a')).to.deep.equal([]);
    expect(await hostsOfOrder(store, 'a')).to.deep.equal([{ order_sha256: 'a', ...WEB, seq: 2, delivered_at: null }]);
  });

  it('keeps the first answer of each kind, in the order in which they came', async () => {
    for (const one of [receipt('stopped', 4), receipt('killed', 3), receipt('killed', 5)]) await addReceipt(store, one);
    const kept = await receiptsOfOrder(store, 'a');
    expect(kept.map(({ envelope }) => envelope.toString())).to.deep.equal(['killed 3', 'stopped 4']);
  });

  it('knows each gate as its host said last, and the most of the log that a host in this life has seen', async () => {
    const gate = { ...WEB, app: 'demo', epoch: 1, log_size: 7, document, receipt: document, received_at: 1 };
    await saveGate(store, gate);
    await saveGate(store, { ...gate, epoch: 2, log_size: 9 });
    await saveGate(store, { ...gate, app: 'other', log_size: 8 });
    await saveGate(store, { ...gate, incarnation: 2, log_size: 0 });
    expect((await gatesOf(store, 'demo')).map(({ epoch }) => epoch)).to.have.members([2, 1]);
    const wanted = [WEB, { host: 'web-2', incarnation: 1 }];
    expect([...(await seenLogSizes(store, wanted))]).to.deep.equal([['web-1', 9]]);
    expect([...(await seenLogSizes(store, [{ ...WEB, incarnation: 2 }]))]).to.deep.equal([]);
  });

  const decision = (id: string, submitted_at: number) => ({
    id,
    kind: 'enable',
    title: 'a title',
    document,
    signature_count: 0,
    submitted_at,
    sent_at: null,
  });

  it('finds a decision by the beginning of its name, and says when several begin so', async () => {
    for (const [index, id] of ['abcd0', 'abcd1', 'ef000'].entries()) await saveDecision(store, decision(id, index));
    const found = async (prefix: string) => (await findDecisions(store, prefix)).map(({ id }) => id);
    expect(await found('ef')).to.deep.equal(['ef000']);
    expect(await found('abcd')).to.have.length(2);
    expect(await found('0')).to.deep.equal([]);
    expect((await listDecisions(store)).map(({ id }) => id)).to.deep.equal(['ef000', 'abcd1', 'abcd0']);
  });

  it('keeps the newest decisions, and no more than a bounded number', async () => {
    await store.transaction().execute(async (transaction) => {
      for (let index = 0; index <= LIMITS.decisionCount; index += 1)
        await saveDecision(transaction, decision(`d${index}`, index));
    });
    const kept = await listDecisions(store);
    expect(kept).to.have.length(LIMITS.decisionCount);
    expect(kept.at(-1)?.id).to.equal('d1');
  });

  it('has a live run over once it was refused', async () => {
    await addLiveRun(store, { id: 'live', ...WEB, app: 'demo', entrypoint: 'live', created_at: 1 });
    await refuseLiveRun(store, 'live', 'gate-closed');
    expect(await findLiveRun(store, 'live')).to.include({ is_over: 1, refusal_code: 'gate-closed', envelope: null });
  });
});
