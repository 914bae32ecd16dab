/**
 * An order that was carried to a host, before a real agent that no control plane answers: what it adopts, what it refuses, and
 * what it signs. No release stands on this host, so that no order is admitted; how far each one came, its code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createJournal } from '../../../host-agent/journal/journal.ts';
import { loadTrusted, resetTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { type CarriedOrder, encodeCarriedOrder } from '../../../shared/evidence/carried-order.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { honestOffer, orderOf, policyOf, STRANGER, sign } from '../../support/enable-world.ts';
import { type Ended, HOST, HostPlace } from '../local/host-place.ts';
import { TrustRoot } from '../run/trust-root.ts';

const APP = 'iu-cutter';
const DAY_MS = 86_400_000;

describe('an order that was carried to a host', function () {
  this.timeout(60_000);
  let place: HostPlace;
  let trust: TrustRoot;
  let startedAt: number;

  beforeEach(() => {
    place = new HostPlace([APP]);
    startedAt = Date.now();
    trust = new TrustRoot({ now: new Date(startedAt), policy: policyBytes() });
    const journal = createJournal(place.state);
    resetTrusted(journal, trust.baseline, { adoptedAt: new Date(startedAt) });
    journal.close();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  function policyBytes(): Buffer {
    const policy: Policy = policyOf({ match: {} });
    return encodeCanonical(policy as never);
  }

  function carried(change: Partial<CarriedOrder> = {}): CarriedOrder {
    const { envelope, evidence, logProof, consistency } = honestOffer();
    return {
      host: HOST,
      app: APP,
      envelope: Buffer.from(envelope),
      run: evidence.leaf.run,
      head: evidence.leaf.head,
      epoch: evidence.leaf.epoch,
      evidenceIndex: evidence.index,
      evidencePath: evidence.path.map((node) => Buffer.from(node)),
      logProof: Buffer.from(logProof),
      logConsistency: consistency.map((node) => Buffer.from(node)),
      trust: trustNow(),
      policy: policyBytes(),
      ...change,
    };
  }

  function trustNow(): CarriedOrder['trust'] {
    const [root, timestamp, snapshot, targets] = (['root', 'timestamp', 'snapshot', 'targets'] as const).map((role) =>
      trust.newest(role),
    );
    return { roots: [root], timestamp, snapshot, targets } as CarriedOrder['trust'];
  }

  async function apply(order: CarriedOrder, words: readonly string[] = []): Promise<Ended> {
    const path = join(place.folder, 'order.carried');
    writeFileSync(path, encodeCarriedOrder(order));
    return place.command(['apply', path, '--json', ...words]);
  }

  function trustedVersions(): Record<string, number> {
    return place.read((journal) =>
      Object.fromEntries([...loadTrusted(journal)].map(([file, bytes]) => [file, versionOf(bytes)])),
    );
  }

  it('is judged to the end by what it brings along, and the refusal is signed and waits in the outbox too', async () => {
    await place.startAgent();
    const out = join(place.folder, 'receipt');
    const { code, stdout } = await apply(carried(), ['--out', out]);
    expect(code).to.equal(77);
    expect(JSON.parse(stdout)).to.deep.include({
      answer: 'refused',
      code: 'nothing-proven',
      trustAgeMs: 0,
      host: HOST,
    });
    expect(readFileSync(out).length).to.be.above(100);
    expect(place.read((journal) => journal.prepare('select count(*) from outbox').pluck().get())).to.equal(1);
    expect(place.gate(APP)).to.deep.include({ state: 'closed', epoch: 0 });
  });

  it('is refused where too few have signed it, whatever else is right', async () => {
    await place.startAgent();
    const { stdout } = await apply(carried({ envelope: sign(encodeEnableOrder(orderOf()), [STRANGER]) }));
    expect(JSON.parse(stdout).code).to.equal('signature-threshold-not-met');
  });

  it('brings newer trust metadata, which is adopted', async () => {
    trust.changePolicy(Buffer.from(`${policyBytes()}`));
    await place.startAgent();
    const { stdout } = await apply(carried());
    expect(JSON.parse(stdout).code).to.equal('nothing-proven');
    expect(trustedVersions()).to.deep.include({ 'targets.json': 2, 'snapshot.json': 2, 'timestamp.json': 2 });
  });

  it('P2: rolls nothing back that the host knows, and is refused', async () => {
    const older = trustNow();
    trust.changePolicy(policyBytes());
    await place.startAgent();
    await apply(carried());
    const known = trustedVersions();
    const { code, stdout } = await apply(carried({ trust: older }));
    expect(code).to.equal(77);
    expect(JSON.parse(stdout)).to.deep.include({ answer: 'refused', code: 'metadata-version-unexpected' });
    expect(trustedVersions()).to.deep.equal(known);
  });

  it('P1: is refused with metadata of another root, and nothing of that is adopted', async () => {
    const other = new TrustRoot({ now: new Date(startedAt), policy: policyBytes() });
    other.changePolicy(policyBytes());
    const known = trustedVersions();
    trust = other;
    await place.startAgent();
    expect(JSON.parse((await apply(carried())).stdout).code).to.equal('metadata-not-trusted');
    expect(trustedVersions()).to.deep.equal(known);
  });

  it('P2: is refused with a policy that the metadata does not list', async () => {
    trust.changePolicy(Buffer.concat([policyBytes(), Buffer.from(' ')]));
    await place.startAgent();
    const { stdout } = await apply(carried());
    expect(JSON.parse(stdout).code).to.equal('target-differs');
  });

  it('is refused without a receipt where its trust metadata ran out, and says what would do', async () => {
    trust.stamp(new Date(startedAt - 2.5 * DAY_MS));
    await place.startAgent();
    const { code, stderr } = await apply(carried());
    expect(code).to.equal(77);
    expect(stderr).to.match(/ran out 3 days ago \[trust-too-old\]\nhint: .*--max-age 3\n/);
    expect((await apply(carried(), ['--max-age', '2'])).stderr).to.include('[trust-too-old]');
    expect(trustedVersions()).to.deep.include({ 'timestamp.json': 1 });
  });

  it('is judged where the owner of the host says how old its trust metadata may be, and the receipt says how old it was', async () => {
    trust.stamp(new Date(startedAt - 2.5 * DAY_MS));
    await place.startAgent();
    const { stdout } = await apply(carried(), ['--max-age', '3']);
    const { code, trustAgeMs } = JSON.parse(stdout);
    expect(code).to.equal('nothing-proven');
    expect(trustAgeMs).to.be.within(2.5 * DAY_MS, 2.6 * DAY_MS);
    expect(trustedVersions()).to.deep.include({ 'timestamp.json': 2 });
  });

  it('P2: gains nothing by a timestamp that says of itself that it has not run out', async () => {
    trust.stamp(new Date(startedAt - 5 * DAY_MS));
    const honest = trustNow();
    const forged = Buffer.from(
      honest.timestamp
        .toString('utf8')
        .replace(/"expires":\s*"[^"]*"/, `"expires":"${secondsText(startedAt + DAY_MS)}"`),
    );
    await place.startAgent();
    const { stdout } = await apply(carried({ trust: { ...honest, timestamp: forged } }), ['--max-age', '3']);
    expect(JSON.parse(stdout).code).to.equal('metadata-not-trusted');
    expect(trustedVersions()).to.deep.include({ 'timestamp.json': 1 });
  });

  const WITHOUT_RECEIPT: Readonly<
    Record<string, { order?: Partial<CarriedOrder>; words?: string[]; says: RegExp; code: number }>
  > = {
    'for another host': { order: { host: 'devhost-2' }, says: /\[order-for-another-host\]/, code: 77 },
    'with an age that is no number of days': { words: ['--max-age', '1.5'], says: /expected 1 to 366 days/, code: 64 },
    'with an age of years': { words: ['--max-age', '367'], says: /expected 1 to 366 days/, code: 64 },
  };
  for (const [what, { order, words, says, code }] of Object.entries(WITHOUT_RECEIPT)) {
    it(`is refused ${what}`, async () => {
      await place.startAgent();
      const ended = await apply(carried(order), words);
      expect(ended.stderr).to.match(says);
      expect(ended.code).to.equal(code);
    });
  }

  it('is no order where the file is something else, or is not there', async () => {
    await place.startAgent();
    const path = join(place.folder, 'garbage');
    writeFileSync(path, 'PK');
    expect((await place.command(['apply', path])).stderr).to.include('[not-canonical-json]');
    expect((await place.command(['apply', join(place.folder, 'nowhere')])).code).to.equal(64);
    expect((await place.command(['apply', place.folder])).code).to.equal(64);
  });

  it('waits for nobody where no agent runs', async () => {
    const { code, stderr } = await apply(carried());
    expect(code).to.equal(69);
    expect(stderr).to.include('hint: start it with: keyturn-agent run');
  });
});

/** As TUF writes it: without milliseconds. */
function secondsText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
