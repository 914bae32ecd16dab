import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { sha256 } from '../../../shared/digest.ts';
import { encodeBuildRecord } from '../../../shared/release/build-record.ts';
import { encodeKtr, openKtr, readKtrRelease, verifyKtr } from '../../../shared/release/ktr.ts';
import { createManifest, encodeManifest, manifestTreeDigest } from '../../../shared/release/manifest.ts';
import { encodePlan } from '../../../shared/release/plan.ts';
import { encodeReleaseStatement } from '../../../shared/release/release-statement.ts';

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
    it('refuses a blob whose bytes were changed, at its end', async () => {
      const release = sampleRelease();
      const bytes = await bundleOf(release);
      bytes.write('HELLO', bytes.indexOf('hello'));
      const ktr = await openWritten(path, bytes);
      expect(await contentOf(ktr.blobs.get(sha256('archive')))).to.equal('archive');
      await rejects(contentOf(ktr.blobs.get(sha256('hello'))), 'blob-digest-differs');
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
