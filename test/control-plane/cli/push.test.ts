/** Pushing: what travels is what is missing, from where it is missing; who may not sign publishes nothing. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { pushRelease } from '../../../control-plane/cli/push.ts';
import { openKtr, readKtrRelease } from '../../../shared/release/ktr.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { releaseRoleOf } from '../../../shared/trust/tuf-metadata.ts';
import { APP, buildBundle, CommandWorld, documentOf, failureOf } from '../../support/command-line.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { parcelsOf } from '../../support/upload-parcels.ts';

interface Receipt {
  readonly uploadedBlobs: number;
  readonly uploadedBytes: number;
  readonly presentBlobs: number;
}

describe('keyturn release push', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let bundle: string;
  beforeEach(async () => {
    world = await CommandWorld.started();
    bundle = await buildBundle(world.folder, '0.6');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const push = async (file: string) => documentOf<Receipt>(await world.json('release', 'push', file));
  const published = async () =>
    documentOf<{ releases: { app: string; version: string; statementSha256: string }[] }>(
      await world.json('release', 'list'),
    ).releases;

  it('uploads every blob of a first release, and lists it with the digest of its statement', async () => {
    const ktr = await openKtr(bundle);
    const receipt = await push(bundle);
    expect(receipt.uploadedBlobs).to.equal(ktr.blobs.size - 1);
    expect(receipt.presentBlobs).to.equal(0);
    expect(await published()).to.have.length(1);
    expect((await published())[0]).to.include({ app: APP, version: '0.6', statementSha256: ktr.statementDigest });
  });

  it('uploads nothing the second time', async () => {
    const first = await push(bundle);
    const second = await push(bundle);
    expect(second).to.include({ uploadedBlobs: 0, uploadedBytes: 0, presentBlobs: first.uploadedBlobs });
    expect(await published()).to.have.length(1);
  });

  it('uploads of a later release what the earlier one has not brought', async () => {
    await push(bundle);
    const [before, next] = [await openKtr(bundle), await openKtr(await buildBundle(world.folder, '0.7'))];
    const missing = [...next.blobs].filter(([sha256]) => !before.blobs.has(sha256) && sha256 !== next.statementDigest);
    const receipt = await push(next.path);
    expect(missing).to.have.length.within(4, 6);
    expect(receipt.uploadedBlobs).to.equal(missing.length);
    expect(receipt.uploadedBytes).to.equal(missing.reduce((sum, [, { size }]) => sum + size, 0));
    expect((await published()).map(({ version }) => version)).to.have.members(['0.6', '0.7']);
  });

  it('resumes a blob of which half is there, and sends the other half', async () => {
    const ktr = await openKtr(bundle);
    const { archive } = (await readKtrRelease(ktr)).statement;
    const half = Math.floor(archive.size / 2);
    const chunks: Uint8Array[] = [];
    for await (const chunk of ktr.blobs.get(archive.sha256)?.open() ?? []) chunks.push(chunk);
    const data = Buffer.concat(chunks).subarray(0, half);
    const { client } = world.publisher('releaser');
    const cutOff = client.uploadBlobs(parcelsOf([{ ...archive, offset: 0, data }]));
    expect(await codeOf(cutOff)).to.equal('upload-incomplete');
    const total = [...ktr.blobs].reduce(
      (sum, [sha256, { size }]) => sum + (sha256 === ktr.statementDigest ? 0 : size),
      0,
    );
    expect((await push(bundle)).uploadedBytes).to.equal(total - half);
    const copy = world.at('copy.tar.gz');
    expect((await world.keyturn('release', 'export', `${APP}@0.6`, '--out', copy)).exitCode).to.equal(0);
    expect(readFileSync(copy)).to.have.length(archive.size);
  });

  it('says how far it is, up to all of it', async () => {
    const home = world.home;
    const keys = {
      release: home.loadKeys(releaseRoleOf(APP), undefined),
      snapshot: home.loadKeys('snapshot', undefined),
    };
    const seen: number[] = [];
    let total = 0;
    const receipt = await pushRelease(await openKtr(bundle), {
      publisher: world.publisher('releaser'),
      keys,
      onProgress: ({ doneBytes, totalBytes }) => {
        seen.push(doneBytes);
        total = totalBytes;
      },
    });
    expect(seen).to.deep.equal(seen.toSorted((a, b) => a - b));
    expect([seen.at(-1), total]).to.deep.equal([receipt.uploadedBytes, receipt.uploadedBytes]);
  });

  it('refuses to send what the control plane asks for and the bundle has not', async () => {
    const publisher = world.publisher('releaser');
    const missingBlobs = async () => ({ missing: [{ sha256: 'a'.repeat(64), receivedBytes: 0, isArriving: false }] });
    const pushed = pushRelease(await openKtr(bundle), {
      publisher: { ...publisher, client: { ...publisher.client, missingBlobs } },
      keys: { release: [], snapshot: [] },
      onProgress: () => {},
    });
    expect(await codeOf(pushed)).to.equal('blob-unasked');
    expect(await published()).to.deep.equal([]);
  });

  it('refuses a bundle that was cut off, names it, and publishes nothing', async () => {
    truncateSync(bundle, readFileSync(bundle).length - 1);
    const ended = await world.json('release', 'push', bundle);
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'ktr-truncated']);
    expect(failureOf(ended).message).to.include(bundle);
    expect(failureOf(ended).hint).to.include('copy it again');
    expect(await published()).to.deep.equal([]);
  });

  it('refuses a file that is no bundle', async () => {
    writeFileSync(world.at('not.ktr'), 'PK\u0003\u0004 something else altogether');
    const ended = await world.json('release', 'push', world.at('not.ktr'));
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'ktr-magic-unknown']);
    expect(failureOf(ended).message).to.include(world.at('not.ktr'));
  });

  it('refuses another content under a version that is out', async () => {
    const before = (await openKtr(bundle)).statementDigest;
    await push(bundle);
    const other = await buildBundle(world.folder, '0.6', { 'cutter/extra.py': 'print("more")\n' });
    const ended = await world.json('release', 'push', other);
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'release-differs']);
    expect(failureOf(ended).hint).to.include('new version');
    expect((await published())[0]?.statementSha256).to.equal(before);
  });

  it('signs with the keys that count, and says how many they were', async () => {
    world.home.saveNewKey(releaseRoleOf(APP), { key: generateKey(), passphrase: undefined });
    const pushed = await world.keyturn('release', 'push', bundle);
    expect(pushed.exitCode).to.equal(0);
    expect(pushed.stdout).to.include('signed by 1 release key\n');
  });

  it('publishes nothing that is signed by keys that nobody trusts', async () => {
    await using stranger = await CommandWorld.held();
    const keys = {
      release: stranger.home.loadKeys(releaseRoleOf(APP), undefined),
      snapshot: world.home.loadKeys('snapshot', undefined),
    };
    const pushed = pushRelease(await openKtr(bundle), {
      publisher: world.publisher('releaser'),
      keys,
      onProgress: () => {},
    });
    expect(await codeOf(pushed)).to.equal('release-keys-missing');
    expect(await published()).to.deep.equal([]);
  });
});
