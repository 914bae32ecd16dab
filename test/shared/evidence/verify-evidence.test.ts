import { join } from 'node:path';
import { expect } from 'chai';
import { exportEvidence } from '../../../control-plane/cli/export-evidence.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { encodeEvidence, parseEvidence } from '../../../shared/evidence/evidence-bundle.ts';
import { type EvidenceTrust, verifyEvidence } from '../../../shared/evidence/verify-evidence.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { loadKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { CommandWorld } from '../../support/command-line.ts';
import { EvidenceWorld, rootOf, signed } from '../../support/evidence-world.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { AT, type Deed, FORGED_LOGS, relog, type Scene, STOLEN_GOODS } from './tamperings.ts';

/** Of characters, over the whole file. */
const FLIPS = 97;

describe('shared/evidence', function () {
  this.timeout(60_000);
  let world: EvidenceWorld;
  let bytes: Buffer;
  let scene: Scene;

  before(async () => {
    world = await EvidenceWorld.start();
    const [one, two, three, security] = world.approvers as [SigningKey, SigningKey, SigningKey, SigningKey];
    const payload = world.orderPayload();
    const order = signed(payload, [one, two, security]);
    const kill = signed(world.killPayload(), [two]);
    await world.append(
      { kind: 'approval', document: signed(payload, [one]) },
      { kind: 'enable', document: order },
      { kind: 'receipt', document: world.receipt(order) },
      { kind: 'kill', document: kill },
      { kind: 'receipt', document: world.receipt(kill, { answer: 'killed', epoch: 1 }) },
      { kind: 'ruling', document: signed(world.rulingPayload(), [three]) },
    );
    ({ bytes } = await exportEvidence(world.proven.run, world.command.publisher('viewer')));
    const key = loadKey(join(world.command.home.controlPlane, 'log-key.pem'));
    scene = { world, log: { name: world.log.key.name, key } };
  });
  after(() => world[Symbol.asyncDispose]());

  const pinned = (change: Partial<EvidenceTrust> = {}): EvidenceTrust => ({
    root: world.firstRoot,
    kinds: checkKinds,
    hostPublicKey: world.hostKey.publicKeyPem,
    ...change,
  });
  const verify = (evidence: Uint8Array, change: Partial<EvidenceTrust> = {}) =>
    verifyEvidence(evidence, pinned(change));
  const tampered = (deed: Deed): Buffer => {
    const bundle = parseEvidence(bytes);
    return deed(bundle, scene) ?? encodeEvidence(bundle);
  };
  const openCodes = async (deed: Deed, change: Partial<EvidenceTrust> = {}) =>
    (await verify(tampered(deed), change)).open.map(({ code }) => code);

  it('proves a run, what was decided about it, and who decided, from the root that was pinned first', async () => {
    const found = await verify(bytes);
    expect(found.open).to.deep.equal([]);
    expect(found.ledger.summary).to.include({ run: world.proven.run, verdict: 'B', phase: 'proven' });
    expect(found.trust).to.deep.include({ pinnedRootVersion: 1, expired: [] });
    expect(found.trust.versions.root).to.equal(2);
    expect(found.policies.map(({ targetsVersion }) => targetsVersion)).to.deep.equal([2, 3]);
    expect(found.verdicts.map(({ index, size }) => [index, size])).to.deep.equal([[0, found.ledger.entries.length]]);
    const [order] = found.orders;
    expect(order?.people.map(({ holder, team }) => [holder, team])).to.deep.equal([
      ['ops-1', 'operations'],
      ['ops-2', 'operations'],
      ['sec-1', 'security'],
    ]);
    expect(order?.rules.map(({ unmet }) => unmet)).to.deep.equal([undefined, undefined, undefined, undefined]);
    expect(found.receipts.map(({ receipt }) => [receipt.order === order?.sha256, receipt.answer])).to.deep.equal([
      [true, 'admitted'],
      [false, 'killed'],
    ]);
    expect(found.kills.map(({ people: [first] }) => first?.holder)).to.deep.equal(['ops-2']);
    expect(found.rulings).to.have.length(1);
    expect(found.approvals).to.have.length(1);
  });

  it('proves the same from the newest root', async () => {
    expect((await verify(bytes, { root: rootOf(world.command.home) })).trust.pinnedRootVersion).to.equal(2);
  });

  it('reads what it wrote, and writes the same', () => {
    expect(encodeEvidence(parseEvidence(bytes)).equals(bytes)).to.equal(true);
  });

  it('says what has run out since, and proves it all the same', async () => {
    const { trust } = await verify(bytes, { nowMs: Date.now() + 10 * 365 * 24 * 3_600_000 });
    expect(trust.expired).to.deep.equal(['root', 'timestamp', 'snapshot', 'targets', 'release-beacon']);
    expect((await verify(bytes, { nowMs: trust.freshUntil.getTime() })).trust.expired).to.deep.equal(['timestamp']);
  });

  it('P6: says that the key of a host is vouched for by nobody', async () => {
    expect(await openCodes(() => undefined, { hostPublicKey: undefined })).to.deep.equal(['host-key-not-pinned']);
  });

  it('P6: says that the log has no head of the ledger', async () => {
    expect(await openCodes(({ log }) => void log.records.shift())).to.deep.equal(['verdict-not-in-log']);
  });

  it('P6: says that it depends on the labels of the host whether those who signed were enough', async () => {
    const few: Deed = (bundle, { log }) =>
      relog(bundle, log, (records) =>
        records
          .filter(({ kind }) => kind !== 'receipt')
          .map((record, index) => (index === AT.enable ? { kind: 'enable', document: orderOfTwo() } : record)),
      );
    expect(await openCodes(few)).to.deep.equal(['rule-unknown']);
    expect(await openCodes(few, { labels: { env: 'test' } })).to.deep.equal([]);
    expect(await codeOf(verify(tampered(few), { labels: { env: 'prod' } }))).to.equal('quorum-not-met');
  });

  it('takes no root but the one that is pinned', async () => {
    await using other = await CommandWorld.held();
    expect(await codeOf(verify(bytes, { root: rootOf(other.home) }))).to.equal('root-differs');
    expect(await codeOf(verify(bytes, { root: Buffer.from('{}') }))).to.equal('metadata-malformed');
  });

  it('takes no roots that end before the one that is pinned', async () => {
    const older = tampered(({ trust }) => void trust.roots.pop());
    expect(await codeOf(verify(older, { root: rootOf(world.command.home) }))).to.equal('root-not-in-chain');
  });

  it('takes no ledger of a key that is not the one pinned, whoever signed the rest', async () => {
    const hostPublicKey = (world.approvers[0] as SigningKey).publicKeyPem;
    expect(await codeOf(verify(bytes, { hostPublicKey }))).to.equal('ledger-host-key-mismatch');
  });

  it('takes no file that is larger than the limit, before it reads it', async () => {
    expect(await codeOf(verify(Buffer.allocUnsafe(LIMITS.evidenceBytes + 1)))).to.equal('evidence-too-large');
  });

  it('takes no more records and no longer proofs than there are limits for', async () => {
    const many = tampered(({ log }) => {
      log.records = Array(LIMITS.evidenceRecordCount + 1).fill(log.records[0]);
    });
    expect(await codeOf(verify(many))).to.equal('evidence-malformed');
    const long = tampered(({ log }) => void log.records[0]?.proof.push(...Array(60).fill(Buffer.alloc(32))));
    expect(await codeOf(verify(long))).to.equal('evidence-malformed');
  });

  it('answers with a code, or with the same, whatever character is another', async () => {
    const { ledger } = await verify(bytes);
    for (let step = 1; step <= FLIPS; step += 1) {
      const at = Math.floor((bytes.length / FLIPS) * step) - 1;
      const changed = Buffer.from(bytes);
      changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
      // What is signed by nobody, such as the hint at a key, may be another; nothing that it says is.
      const found = await verify(changed).catch((error: unknown) => error);
      if (found instanceof RejectedError) continue;
      expect(found, `at ${at}`).to.have.nested.property('ledger.head.head', ledger.head.head);
      expect(found, `at ${at}`).to.have.nested.property('open.length', 0);
    }
  });

  it('knows at least sixty ways to tamper', () => {
    expect(Object.keys({ ...STOLEN_GOODS, ...FORGED_LOGS })).to.have.length.at.least(60);
  });

  for (const [what, [code, deed]] of Object.entries({ ...STOLEN_GOODS, ...FORGED_LOGS })) {
    it(`P2: answers ${code} when somebody ${what}`, async () => {
      expect(await codeOf(verify(tampered(deed)))).to.equal(code);
    });
  }

  function orderOfTwo(): Buffer {
    return signed(world.orderPayload(), [...world.approvers.slice(0, 1), ...world.approvers.slice(3)]);
  }
});
