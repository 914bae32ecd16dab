import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalText } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeBuildRecord } from '../../../shared/release/build-record.ts';
import { KTR_MAGIC } from '../../../shared/release/ktr/index-format.ts';
import { encodeKtr, openKtr, readKtrRelease, verifyKtr } from '../../../shared/release/ktr.ts';
import { createManifest, encodeManifest, manifestTreeDigest } from '../../../shared/release/manifest.ts';
import { encodePlan } from '../../../shared/release/plan.ts';
import { encodeReleaseStatement } from '../../../shared/release/release-statement.ts';

const MAGIC = KTR_MAGIC.toString();

describe('ktr bundle', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-ktr-'));
    path = join(folder, 'a.ktr');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('holds a release and gives it back', async () => {
    const release = sampleRelease();
    writeFileSync(path, await bundleOf(release));
    const ktr = await openKtr(path);
    await verifyKtr(ktr);
    const read = await readKtrRelease(ktr);
    expect(read.statementBytes).to.deep.equal(release.statementBytes);
    expect([read.plan.app, read.manifest.entries.length, read.buildRecord.checks]).to.deep.equal(['cutter', 2, []]);
    expect(await contentOf(ktr.blobs.get(sha256('hello')))).to.equal('hello');
  });

  it('holds equal files once', async () => {
    const release = sampleRelease();
    const ktr = await openWritten(path, await bundleOf(release));
    expect(ktr.blobs.size).to.equal(7);
  });

  it('is the same bytes whatever the order in which the blobs are given', async () => {
    const { statementBytes, blobs } = sampleRelease();
    const forth = await bundleOf({ statementBytes, blobs });
    const back = await bundleOf({ statementBytes, blobs: blobs.toReversed() });
    expect(forth.equals(back)).to.equal(true);
  });

  it('gives a blob as often as it is asked for, and no other bytes', async () => {
    const blobs = Array.from({ length: 50 }, (_, index) => Buffer.alloc(index * 997, index));
    const ktr = await openWritten(path, await bundleOf({ statementBytes: Buffer.from('s'), blobs }));
    for (const blob of [...blobs, ...blobs]) {
      const read = ktr.blobs.get(sha256(blob));
      expect(sha256(Buffer.concat(await chunksOf(read?.open() ?? [])))).to.equal(sha256(blob));
    }
  });

  it('refuses to be written with a blob of another content', async () => {
    const blobs = new Map([[sha256('a'), { size: 1, open: () => one('b') }]]);
    await rejects(collect(encodeKtr(sha256('a'), blobs)), 'blob-digest-differs');
  });

  describe('attacked', () => {
    const index = (value: unknown): Buffer => framed(Buffer.from(canonicalText(value)));
    const [a, b] = [sha256('a'), sha256('b')].sort() as [string, string];
    const content = (digest: string): string => (digest === sha256('a') ? 'a' : 'b');
    const good = {
      schema: 'keyturn.ktr-index/v1',
      statement: a,
      blobs: [
        { sha256: a, size: 1 },
        { sha256: b, size: 1 },
      ],
    };
    const rows: readonly { name: string; bytes: Buffer; code: string }[] = [
      { name: 'an empty file', bytes: Buffer.alloc(0), code: 'ktr-truncated' },
      { name: 'another file', bytes: Buffer.from('PK\u0003\u0004'.padEnd(100)), code: 'ktr-magic-unknown' },
      {
        name: 'a later version of the format',
        bytes: Buffer.from('keyturn.ktr/v2\n'.padEnd(100)),
        code: 'ktr-magic-unknown',
      },
      { name: 'an index longer than any', bytes: head(BigInt(LIMITS.ktrIndexBytes) + 1n), code: 'ktr-index-too-large' },
      { name: 'an index of 2^64 - 1 bytes', bytes: head(2n ** 64n - 1n), code: 'ktr-index-too-large' },
      { name: 'an index that the file ends within', bytes: head(1000n), code: 'ktr-truncated' },
      { name: 'an index that is no JSON', bytes: framed(Buffer.from('{')), code: 'not-canonical-json' },
      {
        name: 'an index with a space in it',
        bytes: framed(Buffer.from(JSON.stringify(good, null, 1))),
        code: 'not-canonical-json',
      },
      {
        name: 'an index with a second spelling of a key',
        bytes: framed(Buffer.from(canonicalText(good).replace('"blobs"', '"\\u0062lobs"'))),
        code: 'not-canonical-json',
      },
      { name: 'an unknown key in the index', bytes: index({ ...good, note: 'x' }), code: 'ktr-index-malformed' },
      { name: 'no blob', bytes: index({ ...good, blobs: [] }), code: 'ktr-index-malformed' },
      {
        name: 'a negative size',
        bytes: index({ ...good, blobs: [{ sha256: a, size: -1 }] }),
        code: 'ktr-index-malformed',
      },
      {
        name: 'a digest in capitals',
        bytes: index({ ...good, blobs: [{ sha256: a.toUpperCase(), size: 1 }] }),
        code: 'ktr-index-malformed',
      },
      {
        name: 'a blob that stands twice',
        bytes: index({ ...good, blobs: [good.blobs[0], good.blobs[0]] }),
        code: 'ktr-index-unsorted',
      },
      {
        name: 'blobs in another order',
        bytes: index({ ...good, blobs: good.blobs.toReversed() }),
        code: 'ktr-index-unsorted',
      },
      {
        name: 'a statement that is no blob',
        bytes: index({ ...good, statement: 'f'.repeat(64) }),
        code: 'ktr-index-malformed',
      },
      {
        name: 'more bytes than a release may have',
        bytes: index({
          ...good,
          blobs: [
            { sha256: a, size: LIMITS.releaseBytes },
            { sha256: b, size: LIMITS.releaseBytes },
            { sha256: 'f'.repeat(64), size: 1 },
          ],
        }),
        code: 'ktr-too-large',
      },
      { name: 'a last blob that is cut', bytes: Buffer.concat([index(good), Buffer.from('a')]), code: 'ktr-truncated' },
      {
        name: 'bytes behind the last blob',
        bytes: Buffer.concat([index(good), Buffer.from('abc')]),
        code: 'ktr-has-trailing-bytes',
      },
    ];

    for (const { name, bytes, code } of rows) {
      it(`refuses ${name} before it reads a blob, and leaves the file as it was`, async () => {
        writeFileSync(path, bytes);
        await rejects(openKtr(path), code);
        expect(readdirSync(folder)).to.deep.equal(['a.ktr']);
      });
    }

    it('has as many rows as there are ways', () => expect(rows.length).to.equal(19));

    it('refuses a blob whose bytes were changed, at its end', async () => {
      const [first, second] = [content(a), content(b)];
      const ktr = await openWritten(path, Buffer.concat([index(good), Buffer.from(`${first}${second.toUpperCase()}`)]));
      expect(await contentOf(ktr.blobs.get(a))).to.equal(first);
      await rejects(contentOf(ktr.blobs.get(b)), 'blob-digest-differs');
      await rejects(verifyKtr(ktr), 'blob-digest-differs');
    });

    it('refuses a bundle of which one byte is another, whichever', async () => {
      const bytes = await bundleOf(sampleRelease());
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: bytes.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          async (at, mask) => {
            const forged = Buffer.from(bytes);
            forged[at] = (forged[at] ?? 0) ^ mask;
            writeFileSync(path, forged);
            expect(await isAccepted(path)).to.equal(false);
          },
        ),
        { numRuns: 300 },
      );
    });

    it('refuses a bundle that is cut anywhere', async () => {
      const bytes = await bundleOf(sampleRelease());
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
          writeFileSync(path, bytes.subarray(0, length));
          expect(await isAccepted(path)).to.equal(false);
        }),
      );
    });

    const parts: readonly { name: string; change: (release: Sample) => Sample; code: string }[] = [
      {
        name: 'lacks a file',
        change: ({ statementBytes, blobs }) => ({
          statementBytes,
          blobs: blobs.filter((blob) => blob.toString() !== 'hello'),
        }),
        code: 'blob-missing',
      },
      {
        name: 'lacks its archive',
        change: ({ statementBytes, blobs }) => ({
          statementBytes,
          blobs: blobs.filter((blob) => blob.toString() !== 'archive'),
        }),
        code: 'blob-missing',
      },
      {
        name: 'lacks its plan',
        change: ({ statementBytes, blobs }) => ({
          statementBytes,
          blobs: blobs.filter((blob) => !blob.includes('keyturn.plan')),
        }),
        code: 'blob-missing',
      },
      {
        name: 'carries a stowaway',
        change: ({ statementBytes, blobs }) => ({ statementBytes, blobs: [...blobs, Buffer.from('stowaway')] }),
        code: 'ktr-has-extra-blobs',
      },
      {
        name: 'has a plan of another version',
        change: () => sampleRelease({ planVersion: 'v9' }),
        code: 'release-parts-disagree',
      },
      {
        name: 'says another size than a blob has',
        change: () => sampleRelease({ archiveSize: 8 }),
        code: 'blob-size-differs',
      },
      {
        name: 'has something else for a statement',
        change: ({ blobs }) => ({ statementBytes: Buffer.from('{}'), blobs }),
        code: 'release-statement-malformed',
      },
    ];

    for (const { name, change, code } of parts) {
      it(`refuses a release that ${name}`, async () => {
        const ktr = await openWritten(path, await bundleOf(change(sampleRelease())));
        await rejects(readKtrRelease(ktr), code);
      });
    }
  });
});

interface Sample {
  readonly statementBytes: Buffer;
  readonly blobs: readonly Buffer[];
}

/** Two files of one content, and everything that a release is made of. */
function sampleRelease({ planVersion = 'v1', archiveSize = 7 } = {}): Sample {
  const file = { kind: 'file', mode: 0o644, size: 5, sha256: sha256('hello') } as const;
  const manifest = createManifest([
    { ...file, path: 'a.txt' },
    { ...file, path: 'b.txt' },
  ]);
  const plan = encodePlan({
    schema: 'keyturn.plan/v1',
    app: 'cutter',
    version: planVersion,
    install: { root: '/opt/dot', preserve: [] },
    artifact: { forbid: [] },
    requires: { tools: {} },
    secrets: [],
    entrypoints: {},
    invariants: {},
    gates: [],
  });
  const record = encodeBuildRecord({ schema: 'keyturn.build-record/v1', checks: [] });
  const parts = [encodeManifest(manifest), plan, record, Buffer.from('provenance'), Buffer.from('archive')] as const;
  const [manifestPart, planPart, recordPart, provenance, archive] = parts.map((bytes) => ({
    sha256: sha256(bytes),
    size: bytes.length,
  }));
  const statementBytes = encodeReleaseStatement({
    schema: 'keyturn.release/v1',
    app: 'cutter',
    version: 'v1',
    commit: '6'.repeat(40),
    treeDigest: manifestTreeDigest(manifest),
    manifest: manifestPart as { sha256: string; size: number },
    plan: planPart as { sha256: string; size: number },
    buildRecord: recordPart as { sha256: string; size: number },
    provenance: provenance as { sha256: string; size: number },
    archive: { sha256: archive?.sha256 ?? '', size: archiveSize, name: 'cutter-v1.tar.gz' },
  });
  return { statementBytes, blobs: [...parts, Buffer.from('hello')] };
}

async function bundleOf({ statementBytes, blobs }: Sample): Promise<Buffer> {
  const all = [statementBytes, ...blobs].map(
    (bytes) => [sha256(bytes), { size: bytes.length, open: () => one(bytes) }] as const,
  );
  return collect(encodeKtr(sha256(statementBytes), new Map(all)));
}

async function openWritten(path: string, bytes: Buffer) {
  writeFileSync(path, bytes);
  return openKtr(path);
}

async function isAccepted(path: string): Promise<boolean> {
  try {
    const ktr = await openKtr(path);
    await verifyKtr(ktr);
    await readKtrRelease(ktr);
    return true;
  } catch (error) {
    expect(error).to.have.property('code');
    return false;
  }
}

function head(length: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(length);
  return Buffer.concat([Buffer.from(MAGIC), bytes, Buffer.alloc(50)]);
}

function framed(index: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(index.length));
  return Buffer.concat([Buffer.from(MAGIC), length, index]);
}

async function* one(bytes: Buffer | string): AsyncIterable<Uint8Array> {
  yield Buffer.from(bytes);
}

async function chunksOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await chunksOf(chunks));
}

async function contentOf(blob: { open(): AsyncIterable<Uint8Array> } | undefined): Promise<string> {
  return (await collect(blob?.open() ?? one('no such blob'))).toString();
}

async function rejects(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).to.have.property('code', code);
}
