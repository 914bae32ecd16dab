import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { issueOperator } from '../../../control-plane/service.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { UploadParcel } from '../../../shared/rpc/generated/messages.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';
import { parcelOf, receiveBlob, wholeBlob } from '../../support/upload-parcels.ts';

const BLOB = Buffer.alloc(64 * 1024 * 1024, 'x');
const SMALL = Buffer.from('a small one in front of it');
const WANT = { sha256: sha256(BLOB), size: BLOB.length, offset: 0 };

describe('control-plane/operator/revoke-operator', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(() => world.stop());

  const issue = (name: string) => issueOperator(world.controlPlaneFolder, { name, role: 'releaser' }, world.clock);

  it('refuses every certificate of the name from now on, also after a restart, and nobody else', async () => {
    const [first, second, other] = [await issue('lost'), await issue('lost'), await issue('kept')];
    const operator = await world.operator('operator');
    const { revoked } = await operator.revokeOperator({ name: 'lost', serial: '' });
    expect(revoked.toSorted()).to.deep.equal([first.serial, second.serial].toSorted());
    expect(await operator.revokeOperator({ name: 'lost', serial: '' })).to.deep.equal({ revoked: [] });
    await world.stopControlPlane();
    await world.startControlPlane();
    for (const identity of [first, second])
      expect(await codeOf(world.dialOperator(identity).listHosts({}))).to.equal('certificate-revoked');
    expect(await codeOf(world.dialOperator(other).listHosts({}))).to.equal('nothing was refused');
  });

  it('revokes one certificate of several when its serial is given', async () => {
    const [old, present] = [await issue('moved'), await issue('moved')];
    const operator = await world.operator('operator');
    expect(await operator.revokeOperator({ name: 'moved', serial: old.serial })).to.deep.equal({
      revoked: [old.serial],
    });
    expect(await codeOf(world.dialOperator(old).listHosts({}))).to.equal('certificate-revoked');
    expect(await codeOf(world.dialOperator(present).listHosts({}))).to.equal('nothing was refused');
  });

  it('lists what was issued, with its role and its end', async () => {
    const { serial, issuedAt, expiresAt } = await issue('lister');
    const operator = await world.operator('operator', 'boss');
    await operator.revokeOperator({ name: 'lister', serial });
    const { certificates } = await operator.listOperators({});
    expect(certificates.map(({ name }) => name)).to.deep.equal(['boss', 'lister']);
    expect(certificates[1]).to.deep.equal({
      name: 'lister',
      role: 'releaser',
      serial,
      issuedAtMs: issuedAt,
      expiresAtMs: expiresAt,
      revokedAtMs: world.clock.now(),
    });
  });

  it('refuses a name, or a serial of that name, that was never issued: a host is none', async () => {
    await world.enrolledHost('web-1');
    const { serial } = await issue('somebody');
    const operator = await world.operator('operator');
    for (const [name, wanted] of [
      ['nobody', ''],
      ['web-1', ''],
      ['nobody', serial],
      ['somebody', `${serial}00`],
    ] as const)
      expect(await codeOf(operator.revokeOperator({ name, serial: wanted }))).to.equal('operator-unknown');
    expect(await codeOf(world.dialOperator(await issue('somebody')).listHosts({}))).to.equal('nothing was refused');
  });

  it('ends an open watch at once', async () => {
    await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    const operator = await world.operator('operator');
    const { runId } = await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    const watch = world.dialOperator(await issue('watcher')).watchRun({ runId, fromSeq: 0, untilPhases: [] });
    const reader = watch[Symbol.asyncIterator]();
    expect((await reader.next()).value).to.have.property('news', 'run');
    const ended = codeOf(reader.next());
    await operator.revokeOperator({ name: 'watcher', serial: '' });
    expect(await ended).to.equal('certificate-revoked');
  });

  it('ends a download in the middle', async () => {
    await receiveBlob(world.controlPlane.blobs, WANT, each([BLOB]));
    const operator = await world.operator('operator');
    const downloader = world.dialOperator(await issue('downloader'));
    let received = 0;
    const download = (async () => {
      for await (const { data } of downloader.fetchBlobs({ wants: [WANT] })) {
        if (received === 0) await operator.revokeOperator({ name: 'downloader', serial: '' });
        received += data.length;
      }
    })();
    expect(await codeOf(download)).to.equal('certificate-revoked');
    expect(received).to.be.within(1, BLOB.length - 1);
  });

  it('ends an upload in the middle, keeps what arrived, and lets another one go on with it', async () => {
    const operator = await world.operator('operator');
    const uploader = world.dialOperator(await issue('uploader'));
    const said = Promise.withResolvers<void>();
    async function* stalling(): AsyncGenerator<UploadParcel> {
      yield parcelOf(wholeBlob(SMALL), { ...WANT, data: BLOB.subarray(0, 1000) });
      await said.promise;
    }
    const upload = codeOf(uploader.uploadBlobs(stalling()));
    const other = await world.operator('releaser');
    const received = async () => (await other.missingBlobs({ sha256: [WANT.sha256] })).missing[0]?.receivedBytes;
    while ((await received()) !== 1000) await new Promise(setImmediate);
    await operator.revokeOperator({ name: 'uploader', serial: '' });
    expect(await upload).to.equal('certificate-revoked');
    said.resolve();
    expect(await world.controlPlane.blobs.sizeOf(sha256(SMALL))).to.equal(SMALL.length);
    async function* rest(): AsyncGenerator<UploadParcel> {
      for (let offset = 1000; offset < BLOB.length; offset += 1024 * 1024)
        yield parcelOf({ ...WANT, offset, data: BLOB.subarray(offset, offset + 1024 * 1024) });
    }
    await other.uploadBlobs(rest());
    expect(readdirSync(join(world.controlPlaneFolder, 'content', 'incoming'))).to.deep.equal([]);
    expect(await world.controlPlane.blobs.sizeOf(WANT.sha256)).to.equal(BLOB.length);
  });

  it('ends a watch when the certificate of its watcher expires', async () => {
    await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    const operator = await world.operator('operator');
    const { runId } = await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    const shortLived = await issueOperator(
      world.controlPlaneFolder,
      { name: 'short', role: 'viewer', lifetimeMs: HOUR_MS },
      world.clock,
    );
    const reader = world
      .dialOperator(shortLived)
      .watchRun({ runId, fromSeq: 0, untilPhases: [] })
      [Symbol.asyncIterator]();
    await reader.next();
    const ended = codeOf(reader.next());
    world.clock.advance(HOUR_MS);
    expect(await ended).to.equal('certificate-expired');
  });

  it('lets an operator revoke itself, and answers', async () => {
    const operator = await world.operator('operator', 'leaving');
    expect((await operator.revokeOperator({ name: 'leaving', serial: '' })).revoked).to.have.length(1);
    expect(await codeOf(operator.listHosts({}))).to.equal('certificate-revoked');
    expect(await codeOf(collected(operator.fetchMetadata({ name: 'timestamp.json' })))).to.equal('certificate-revoked');
  });
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
