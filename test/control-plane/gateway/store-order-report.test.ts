/** What a host answers to orders and says of live runs: kept as it came, if the host itself has signed it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { storeLiveReport, storeReceipt } from '../../../control-plane/gateway/store-order-report.ts';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import { addHost } from '../../../control-plane/store/hosts.ts';
import { addLiveRun, findLiveRun } from '../../../control-plane/store/live-runs.ts';
import { gatesOf, receiptsOfOrder } from '../../../control-plane/store/orders.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { type LiveRunRecord, signLiveRun } from '../../../shared/orders/live-run.ts';
import { type Receipt, signReceipt } from '../../../shared/orders/receipt.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { codeOf } from '../../support/rejection-of.ts';

const KEY = generateKey();
const OTHER_KEY = generateKey();
const ORDER = Buffer.from('an order');
const FROM = {
  identity: { kind: 'host', host: 'web-1', serial: '', expiresAt: 0 },
  host: 'web-1',
  incarnation: 1,
  ledgerPublicKey: KEY.publicKeyPem,
} as const;
const LIVE = '01JD0000000000000000000000';

function receiptOf(change: Partial<Receipt> = {}, key = KEY): Buffer {
  const said = { host: 'web-1', app: 'demo', order: sha256(ORDER), code: undefined, epoch: 2, logSize: 7, atMs: 5 };
  return signReceipt({ ...said, answer: 'admitted', ...change }, key);
}

function liveOf(change: Partial<LiveRunRecord> = {}, key = KEY): Buffer {
  const what = { host: 'web-1', app: 'demo', version: '1.0', treeDigest: sha256('tree'), live: LIVE };
  const by = { entrypoint: 'live', order: sha256(ORDER), epoch: 2, startedAtMs: 5, ended: undefined };
  return signLiveRun({ ...what, ...by, ...change }, key);
}

const ENDED = { atMs: 9, how: 'exit 0', stdout: '', stderr: '', lines: [], outputBytes: 0 };

describe('control-plane/gateway/store-order-report', () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-answers-'));
    store = await openSqliteStore(join(folder, 'store.sqlite'));
    for (const name of ['web-1', 'web-2']) await addHost(store, name, 1);
  });
  afterEach(async () => {
    await store.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const take = (receipt: Buffer, order: Buffer = ORDER) =>
    storeReceipt(store, FROM, { receipt: { order, receipt }, now: 11 });

  it('keeps an answer as it came, and how the gate stands since', async () => {
    const receipt = receiptOf();
    expect(await take(receipt)).to.deep.include({ runId: sha256(ORDER), isSettled: false });
    const [kept] = await receiptsOfOrder(store, sha256(ORDER));
    expect(kept).to.include({ host: 'web-1', answer: 'admitted', received_at: 11 });
    expect(kept?.envelope.equals(receipt)).to.equal(true);
    const [gate] = await gatesOf(store, 'demo');
    expect(gate).to.include({ host: 'web-1', incarnation: 1, epoch: 2, log_size: 7 });
    expect(gate?.document.equals(ORDER)).to.equal(true);
  });

  it('keeps the first answer of each kind, so that what was told stays told', async () => {
    await take(receiptOf({ answer: 'killed', epoch: 3 }));
    await take(receiptOf({ answer: 'killed', epoch: 3, atMs: 6 }));
    await take(receiptOf({ answer: 'stopped', epoch: 3, atMs: 7 }));
    const kept = await receiptsOfOrder(store, sha256(ORDER));
    expect(kept.map(({ answer }) => answer)).to.deep.equal(['killed', 'stopped']);
  });

  const RECEIPTS: Readonly<Record<string, { receipt: Buffer; order?: Buffer; code: string }>> = {
    'another host signed it': { receipt: receiptOf({}, OTHER_KEY), code: 'signature-threshold-not-met' },
    'it names another host': { receipt: receiptOf({ host: 'web-2' }), code: 'receipt-of-another-host' },
    'it answers another order': { receipt: receiptOf(), order: Buffer.from('x'), code: 'receipt-of-another-order' },
    'it is no receipt': { receipt: liveOf(), code: 'predicate-type-mismatch' },
    'its order is larger than any': {
      receipt: receiptOf(),
      order: Buffer.alloc(LIMITS.envelopeBytes + 1),
      code: 'order-too-large',
    },
  };

  it('has 5 rows of answers', () => expect(Object.keys(RECEIPTS)).to.have.length(5));
  for (const [name, { receipt, order, code }] of Object.entries(RECEIPTS)) {
    it(`refuses an answer when ${name}, and keeps nothing`, async () => {
      expect(await codeOf(take(receipt, order))).to.equal(code);
      expect(await gatesOf(store, 'demo')).to.deep.equal([]);
      expect(await receiptsOfOrder(store, sha256(order ?? ORDER))).to.deep.equal([]);
    });
  }

  const tell = (envelope: Buffer, liveId = LIVE, from: typeof FROM | object = FROM) =>
    storeLiveReport(store, from as typeof FROM, { liveId, envelope });

  it('keeps what a host says of a live run, also of one that it started by itself, and lets no end be taken back', async () => {
    await tell(liveOf());
    expect((await findLiveRun(store, LIVE))?.is_over).to.equal(0);
    await tell(liveOf({ ended: ENDED }));
    await tell(liveOf());
    const run = await findLiveRun(store, LIVE);
    expect(run).to.include({ host: 'web-1', app: 'demo', entrypoint: 'live', is_over: 1 });
    expect(run?.envelope?.equals(liveOf({ ended: ENDED }))).to.equal(true);
  });

  it('lets no host speak of the live run of another', async () => {
    const asked = { id: LIVE, host: 'web-2', incarnation: 1, app: 'demo', entrypoint: 'live', created_at: 1 };
    await addLiveRun(store, asked);
    await tell(liveOf({ ended: ENDED }));
    expect(await findLiveRun(store, LIVE)).to.include({ host: 'web-2', envelope: null, is_over: 0 });
  });

  const LIVES: Readonly<Record<string, { envelope: Buffer; code: string }>> = {
    'another host signed it': { envelope: liveOf({}, OTHER_KEY), code: 'signature-threshold-not-met' },
    'it names another host': { envelope: liveOf({ host: 'web-2' }), code: 'live-run-of-another-host' },
    'it is of another live run': { envelope: liveOf({ live: 'another' }), code: 'live-run-misnamed' },
    'it is a receipt': { envelope: receiptOf(), code: 'predicate-type-mismatch' },
  };

  it('has 4 rows of live runs', () => expect(Object.keys(LIVES)).to.have.length(4));
  for (const [name, { envelope, code }] of Object.entries(LIVES)) {
    it(`refuses what is said of a live run when ${name}, and keeps nothing`, async () => {
      expect(await codeOf(tell(envelope))).to.equal(code);
      expect(await findLiveRun(store, LIVE)).to.equal(undefined);
    });
  }
});
