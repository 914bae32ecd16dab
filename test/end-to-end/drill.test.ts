/** Drills over the real wire: every row is refused by the rule that it is about, and an order that is admitted is closed again. */
import { expect } from 'chai';
import { type FollowedRow, followDrill } from '../../control-plane/cli/follow-drill.ts';
import { standingRun } from '../../control-plane/cli/standing-run.ts';
import { addDrill, addDrillOffer } from '../../control-plane/store/drills.ts';
import { sha256 } from '../../shared/digest.ts';
import { DRILL_APP, DRILL_ROWS, drillVerdict, percentile, verdictOfDrill } from '../../shared/orders/drill.ts';
import { drillOrders } from '../../shared/orders/drill-order.ts';
import { signEnvelope } from '../../shared/trust/dsse.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { OrderWorld } from '../support/order-world.ts';
import { type ProvenHost, VERSION } from '../support/proven-host.ts';
import { codeOf } from '../support/rejection-of.ts';
import { APP } from '../support/world-release.ts';

const PATIENCE_MS = 30_000;

describe('drills over the real wire', function () {
  this.timeout(120_000);
  let orders: OrderWorld;
  let proven: ProvenHost;
  before(async () => {
    orders = await OrderWorld.start();
    proven = await orders.provenHost();
  });
  after(() => orders?.[Symbol.asyncDispose]());

  it('says of each row why it was not run, before anybody has signed orders for it', async () => {
    const rows = await refusalDrill();
    expect(rows).to.have.length(DRILL_ROWS.length);
    expect(rows.every((row) => drillVerdict(row) === 'not run' && row.notRun !== undefined)).to.equal(true);
    expect(verdictOfDrill(rows)).to.equal('open');
  });

  it('keeps no orders that too few people have signed, nor one that could ever open a gate', async () => {
    expect(await codeOf(prepare({ keys: orders.approvers.slice(0, 2) }))).to.equal('quorum-not-met');
    // Signed as if it were tomorrow: the window of what is called over is still to come.
    expect(await codeOf(prepare({ nowMs: Date.now() + 24 * 60 * 60 * 1000 }))).to.equal('drill-order-malformed');
    expect(await orders.world.plane.store.selectFrom('drill_orders').selectAll().execute()).to.deep.equal([]);
  });

  it('gets every one of the eleven rows refused, each by the rule that it is about, and opens nothing', async () => {
    await proven.send();
    await prepare();
    const rows = await refusalDrill();
    expect(Object.fromEntries(rows.map(({ row, code }) => [row, code]))).to.deep.equal({
      'unknown-field': 'envelope-malformed',
      'wrong-signer': 'signature-threshold-not-met',
      tampered: 'signature-threshold-not-met',
      'below-threshold': 'quorum-not-met',
      'wrong-evidence': 'evidence-differs',
      'wrong-host': 'evidence-not-in-order',
      'wrong-log': 'note-unsigned',
      expired: 'order-expired',
      'not-yet-valid': 'order-not-yet-valid',
      'earlier-epoch': 'order-of-another-epoch',
      replayed: 'order-replayed',
    });
    expect(verdictOfDrill(rows)).to.equal('passed');
    expect(proven.host.read((journal) => journal.spentCount(APP))).to.equal(1);
  });

  it('leaves an open gate open, and the answers to the true order as they were', async () => {
    expect(proven.isOpen).to.equal(true);
    const receipts = await orders.world.plane.store.selectFrom('order_receipts').select('answer').execute();
    expect(receipts.map(({ answer }) => answer)).to.deep.equal(['admitted']);
  });

  it('is refused by the epoch once the gate was killed, also what had opened it', async () => {
    await proven.kill();
    expect(await proven.whenClosed()).to.equal('killed: a test');
    await proven.host.whenJournal((journal) => journal.outboxCount() === 0);
    await prepare();
    const rows = await refusalDrill();
    expect(rows.find(({ row }) => row === 'replayed')?.code).to.equal('order-of-another-epoch');
    expect(verdictOfDrill(rows)).to.equal('passed');
    expect(proven.isOpen).to.equal(false);
  });

  it('has every order and every answer in the log, and none of the orders twice', async () => {
    const { store } = orders.world.plane;
    const rows = await store
      .selectFrom('drill_rows')
      .select(['document', 'receipt'])
      .where('receipt', 'is not', null)
      .execute();
    const logged = new Set(
      (await store.selectFrom('log_records').select(['kind', 'sha256']).execute()).map(
        ({ kind, sha256: digest }) => `${kind} ${digest}`,
      ),
    );
    for (const { document, receipt } of rows) {
      expect(logged.has(`enable ${sha256(document ?? Buffer.alloc(0))}`)).to.equal(true);
      expect(logged.has(`receipt ${sha256(receipt ?? Buffer.alloc(0))}`)).to.equal(true);
      expect(logged.has(`kill ${sha256(document ?? Buffer.alloc(0))}`)).to.equal(false);
    }
    expect(rows.length).to.be.at.least(2 * DRILL_ROWS.length);
  });

  it('closes again what a host has admitted, says so loudly, and is failed by it', async () => {
    const { store } = orders.world.plane;
    const drillId = '01JD0000000000000000000000';
    const enable = await proven.enable();
    const seq = await proven.put({ kind: 'enable', enable });
    const { incarnation } = await store
      .selectFrom('hosts')
      .select('incarnation')
      .where('name', '=', proven.name)
      .executeTakeFirstOrThrow();
    await addDrill(store, { id: drillId, kind: 'refusal', app: APP, started_at: Date.now() });
    const document = enable.envelope;
    const offer = {
      order_sha256: sha256(document),
      document,
      seq,
      offered_at: Date.now(),
      expected_code: 'order-expired',
    };
    await addDrillOffer(store, {
      drill_id: drillId,
      host: proven.name,
      incarnation,
      name: 'expired',
      round: 0,
      ...offer,
    });
    const { epoch } = proven;
    await proven.host.stopAgent();
    await proven.host.startAgent();
    const publisher = await orders.world.publisher('viewer');
    const rows = await followDrill(drillId, { publisher, patienceMs: PATIENCE_MS });
    expect(rows.map(({ answer }) => answer)).to.deep.equal(['admitted']);
    expect(rows[0]?.closedBy).to.match(/^[0-9a-f]{64}$/);
    expect(verdictOfDrill(rows)).to.equal('failed');
    await proven.host.whenJournal((journal) => journal.gateState(APP)?.epoch === epoch + 1);
    expect(proven.isOpen).to.equal(false);
    expect(orders.world.errors.map(({ error }) => (error as { code?: string }).code)).to.include(
      'drill-order-admitted',
    );
  });

  it('times kills of an application that stands nowhere, and changes nothing else', async () => {
    const { epoch } = proven;
    const publisher = await orders.world.publisher('operator');
    const { drillId } = await publisher.client.startKillDrill({ hosts: [proven.name], rounds: 5 });
    const rows = await followDrill(drillId, { publisher, patienceMs: PATIENCE_MS });
    expect(rows.map(({ round, answer }) => [round, answer])).to.deep.equal(
      [1, 2, 3, 4, 5].map((round) => [round, 'killed']),
    );
    for (const { durableMs = -1, answeredMs = -1 } of rows) {
      expect(durableMs).to.be.at.least(0);
      expect(answeredMs).to.be.within(0, PATIENCE_MS);
    }
    expect(proven.epoch).to.equal(epoch);
    expect(proven.host.read((journal) => journal.gateState(DRILL_APP)?.epoch)).to.equal(5);
  });

  it('does not ask a host that is away, and says so', async () => {
    await proven.host.stopAgent();
    const publisher = await orders.world.publisher('operator');
    expect(await codeOf(publisher.client.startDrill({ app: APP, hosts: [] }))).to.equal('drill-without-hosts');
    const before = await proven.lastSeq();
    const rows = await refusalDrill();
    expect(rows.map(({ notRun }) => notRun)).to.include('the host is not connected');
    expect(verdictOfDrill(rows)).to.equal('open');
    expect(await proven.lastSeq()).to.equal(before);
    const { drills } = await publisher.client.listDrills({ limit: 0 });
    expect(drills.map(({ kind, badCount }) => [kind, badCount])).to.deep.include(['refusal', 1]);
  });

  it('takes as a percentile a value that was measured', () => {
    expect(percentile([], 0.5)).to.equal(undefined);
    expect(percentile([3, 1, 2], 0.5)).to.equal(2);
    expect(percentile([5, 1, 4, 2, 3], 0.99)).to.equal(5);
  });

  async function refusalDrill(): Promise<FollowedRow[]> {
    const publisher = await orders.world.publisher('operator');
    const { drillId } = await publisher.client.startDrill({ app: APP, hosts: [proven.name] });
    return followDrill(drillId, { publisher, patienceMs: PATIENCE_MS });
  }

  async function prepare({
    keys = orders.approvers,
    nowMs = Date.now(),
  }: {
    keys?: SigningKey[];
    nowMs?: number;
  } = {}): Promise<void> {
    const publisher = await orders.world.publisher('operator');
    const { ledger } = await standingRun(publisher, { release: { app: APP, version: VERSION }, host: proven.name });
    const leaf = proven.leaf();
    expect(leaf.head).to.equal(ledger.head.head);
    const { treeDigest } = ledger.admitted;
    const about = { app: APP, version: VERSION, treeDigest, entrypoints: ['live'], leaves: [leaf], nowMs };
    let count = 0;
    const made = drillOrders({ ...about, nonce: () => sha256(`${nowMs} ${++count}`).slice(0, 32) });
    const { host, run: runId, head, epoch } = leaf;
    await publisher.client.keepDrillOrders({
      orders: made.map(({ row, payload }) => ({ row, envelope: signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, keys) })),
      leaves: [{ host, runId, head, epoch }],
    });
  }
});
