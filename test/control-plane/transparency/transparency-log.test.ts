/** P8, P9: one history, in a real store: what has a place keeps it, and every proof holds against what was signed before. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { TransparencyLog } from '../../../control-plane/transparency/transparency-log.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { type Checkpoint, verifyCheckpoint } from '../../../shared/transparency/checkpoint.ts';
import { verifyLogProof } from '../../../shared/transparency/log-proof.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { provesConsistency } from '../../../shared/transparency/merkle.ts';
import { MerkleTree } from '../../../shared/transparency/merkle-tree.ts';
import { LOG } from '../../support/enable-world.ts';
import { errorOf } from '../../support/errors-of.ts';

const order = (number: number) => ({ kind: 'enable' as const, document: Buffer.from(`order ${number}`) });
const recordOf = ({ kind, document }: ReturnType<typeof order>) => encodeLogRecord(kind, document);

describe('control-plane/transparency', () => {
  let folder: string;
  let store: Store;
  let log: TransparencyLog;
  const clock = new FakeClock();
  const open = async () => {
    store = await openSqliteStore(join(folder, 'store.sqlite'));
    log = new TransparencyLog({ store, signer: LOG, clock });
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-log-'));
    await open();
  });
  afterEach(async () => {
    await store.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is empty at first, and signs that', async () => {
    const empty = verifyCheckpoint((await log.checkpoint()).checkpoint, LOG);
    expect([empty.size, empty.root.toString('hex')]).to.deep.equal([0, new MerkleTree([]).root().toString('hex')]);
    expect(await log.entries(0, 10)).to.deep.equal([]);
  });

  it('has the root that a tree in memory has, after each entry, and proves each entry under it', async () => {
    const documents = Array.from({ length: 21 }, (_, index) => order(index));
    for (const [index, document] of documents.entries()) {
      expect(await log.append([document])).to.deep.equal([index]);
      const tree = new MerkleTree(documents.slice(0, index + 1).map(recordOf));
      const { size, root } = verifyCheckpoint((await log.checkpoint()).checkpoint, LOG);
      expect([size, root.toString('hex')]).to.deep.equal([index + 1, tree.root().toString('hex')]);
    }
    for (const [index, document] of documents.entries()) {
      const { size, proof } = await log.proofOf(index);
      expect([size, verifyLogProof(proof, { leaf: recordOf(document), log: LOG }).size]).to.deep.equal([21, 21]);
    }
  });

  it('proves that it only grew, from every state that it ever signed', async () => {
    const states: Checkpoint[] = [];
    for (let index = 0; index < 12; index += 1) {
      states.push(verifyCheckpoint((await log.checkpoint()).checkpoint, LOG));
      await log.append([order(2 * index), order(2 * index + 1)]);
    }
    const present = verifyCheckpoint((await log.checkpoint()).checkpoint, LOG);
    for (const { size, root } of states) {
      const proof = await log.consistency(size, present.size);
      const grown = { oldSize: size, oldRoot: root, newSize: present.size, newRoot: present.root, proof };
      expect(provesConsistency(grown), `from ${size}`).to.equal(true);
    }
  });

  it('has a document once, and says where it is', async () => {
    expect(await log.append([order(1), order(2), order(1)])).to.deep.equal([0, 1, 0]);
    expect(await log.append([order(2)])).to.deep.equal([1]);
    expect(await log.append([{ kind: 'kill', document: order(1).document }])).to.deep.equal([2]);
    expect(await log.size()).to.equal(3);
  });

  it('P8: is what it was when it is opened again, and goes on', async () => {
    await log.append([order(0), order(1), order(2)]);
    const before = verifyCheckpoint((await log.checkpoint()).checkpoint, LOG);
    await store.destroy();
    await open();
    expect(verifyCheckpoint((await log.checkpoint()).checkpoint, LOG)).to.deep.equal(before);
    expect(await log.append([order(3)])).to.deep.equal([3]);
    expect((await log.entries(1, 2)).map(({ index, document }) => [index, document.toString()])).to.deep.equal([
      [1, 'order 1'],
      [2, 'order 2'],
    ]);
  });

  it('P8: has all of what is appended together, or nothing of it', async () => {
    await log.append([order(0)]);
    const broken = { kind: 'enable' as const, document: undefined as unknown as Buffer };
    expect(await errorOf(log.append([order(1), broken]))).to.be.instanceOf(Error);
    expect(await log.size()).to.equal(1);
    const [position] = await log.append([order(1)]);
    const { proof } = await log.proofOf(position ?? 0);
    expect(verifyLogProof(proof, { leaf: recordOf(order(1)), log: LOG }).size).to.equal(2);
  });

  it('gives entries that are appended at once places of their own', async () => {
    const places = await Promise.all(Array.from({ length: 20 }, (_, index) => log.append([order(index)])));
    expect(places.flat().sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
    const { proof } = await log.proofOf(places[7]?.[0] ?? 0);
    expect(verifyLogProof(proof, { leaf: recordOf(order(7)), log: LOG }).size).to.equal(20);
  });

  it('proves nothing of what is not there', async () => {
    await log.append([order(0)]);
    expect(await errorOf(log.proofOf(1))).to.be.instanceOf(RangeError);
    expect(await errorOf(log.consistency(0, 2))).to.be.instanceOf(RangeError);
    expect(await errorOf(log.consistency(2, 1))).to.be.instanceOf(RangeError);
  });

  it('says when its store has lost a part of it, and signs nothing then', async () => {
    await log.append([order(0), order(1), order(2)]);
    await store.deleteFrom('log_nodes').where('level', '=', 1).execute();
    expect(await errorOf(log.checkpoint())).to.deep.include({ message: 'the log has lost its node 1/0' });
  });
});
