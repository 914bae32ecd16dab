import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import type { BlobPiece, BlobSource, BlobWant } from '../../../host-agent/install/blob-source.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { manifestFiles } from '../../../shared/release/manifest.ts';
import { codeOf, errorOf } from '../../support/errors-of.ts';
import {
  CONTENT,
  type InstallFixture,
  installFixture,
  RecordingSource,
  snapshotOf,
  writeFiles,
} from '../../support/install-fixture.ts';

const BIG = sha256('x'.repeat(700_000));
const OTHER = 'f'.repeat(64);
const PIECE = 64 * 1024;

describe('host-agent/install/receive', () => {
  let fixture: InstallFixture;
  let visibleBefore: string[];
  beforeEach(() => {
    fixture = installFixture();
    visibleBefore = visible();
  });
  afterEach(() => fixture.remove());

  it('fetches each different content once and keeps it in private staging', async () => {
    const seen: number[] = [];
    const report = await receive(fixture.context, {
      source: fixture.source,
      onProgress: ({ receivedBytes, totalBytes }) => seen.push(receivedBytes / totalBytes),
    });
    const files = manifestFiles(fixture.manifest);
    const bytes = [...fixture.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);
    expect(report).to.deep.equal({
      manifestDigest: fixture.context.manifestDigest,
      files: 7,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      distinctFiles: 6,
      fetchedFiles: 5,
      fetchedBytes: bytes,
      copiedFiles: 1,
      copiedBytes: 0,
    });
    expect(fixture.source.asked.map((want) => want.sha256)).to.not.include(sha256(''));
    expect(new Set(fixture.source.asked.map((want) => want.sha256)).size).to.equal(5);
    expect(seen.at(-1)).to.equal(1);
    expect(seen).to.deep.equal(seen.toSorted((a, b) => a - b));
    for (const name of readdirSync(content())) {
      expect(sha256(readFileSync(join(content(), name)))).to.equal(name);
      expect(statSync(join(content(), name)).mode & 0o7777).to.equal(0o600);
    }
    expect(readdirSync(content())).to.have.length(6);
    expect(visible()).to.deep.equal(visibleBefore);
  });

  it('asks for nothing the second time', async () => {
    await receive(fixture.context, { source: fixture.source });
    const again = new RecordingSource(new Map());
    const report = await receive(fixture.context, { source: again });
    expect(again.asked).to.deep.equal([]);
    expect([report.fetchedFiles, report.copiedFiles, report.fetchedBytes]).to.deep.equal([0, 6, 0]);
  });

  it('goes on behind what has come when the connection is lost', async () => {
    const lossy = sourceOf(async function* (wants) {
      for await (const piece of fixture.source.fetch(wants, { signal: fixture.context.signal })) {
        if (piece.sha256 === BIG && piece.offset === 3 * PIECE) throw new TransientError('connection lost');
        yield piece;
      }
    });
    expect(await errorOf(receive(fixture.context, { source: lossy }))).to.be.instanceOf(TransientError);
    const second = new RecordingSource(fixture.blobs);
    const report = await receive(fixture.context, { source: second });
    expect(second.asked.find((want) => want.sha256 === BIG)?.at.offset).to.equal(3 * PIECE);
    expect(report.fetchedBytes).to.be.below(700_000);
    expect(readdirSync(content()).filter((name) => name.endsWith('.part'))).to.deep.equal([]);
  });

  it('fetches a blob as a whole once more when the beginning that a crash left is wrong', async () => {
    await receive(fixture.context, { source: fixture.source });
    writeFileSync(join(content(), `${BIG}.part`), 'y'.repeat(5 * PIECE));
    writeFileSync(join(content(), BIG), 'torn by a power cut');
    const second = new RecordingSource(fixture.blobs);
    await receive(fixture.context, { source: second });
    expect(second.asked.map(({ sha256: digest, at }) => [digest, at.offset])).to.deep.equal([
      [BIG, 5 * PIECE],
      [BIG, 0],
    ]);
    expect(sha256(readFileSync(join(content(), BIG)))).to.equal(BIG);
  });

  describe('refuses a source that', () => {
    interface Row {
      readonly code: string;
      /** The blob itself came whole and right before the rule was broken. */
      readonly keepsBlob?: true;
      readonly pieces: (honest: readonly BlobPiece[]) => Iterable<BlobPiece>;
    }
    const alter = (honest: readonly BlobPiece[], change: (piece: BlobPiece) => BlobPiece[]): BlobPiece[] =>
      honest.flatMap((piece) => (piece.sha256 === BIG ? change(piece) : [piece]));
    const ROWS: Readonly<Record<string, Row>> = {
      'sends a blob that is wrong in one byte': {
        code: 'blob-differs',
        pieces: (honest) => alter(honest, (piece) => [{ ...piece, data: flipped(piece.data, piece.offset === PIECE) }]),
      },
      'sends a blob of the right size and other content': {
        code: 'blob-differs',
        pieces: (honest) => alter(honest, (piece) => [{ ...piece, data: Buffer.alloc(piece.data.length, 'y') }]),
      },
      'ends in the middle of a blob': {
        code: 'blob-short',
        pieces: (honest) => honest.slice(0, honest.findIndex((piece) => piece.sha256 === BIG) + 3),
      },
      'goes on with the next blob in the middle of one': {
        code: 'blob-short',
        pieces: (honest) => alter(honest, (piece) => (piece.offset > 0 ? [] : [piece])).concat(honest.slice(-1)),
      },
      'leaves a blob out': { code: 'blob-missing', pieces: (honest) => alter(honest, () => []) },
      'sends nothing at all': { code: 'blob-missing', pieces: () => [] },
      'never ends a blob': {
        code: 'blob-too-long',
        keepsBlob: true,
        *pieces(honest) {
          yield* honest.slice(0, honest.findLastIndex((piece) => piece.sha256 === BIG) + 1);
          for (let offset = 700_000; ; offset += PIECE) yield { sha256: BIG, offset, data: Buffer.alloc(PIECE) };
        },
      },
      'sends one byte more in the last piece': {
        code: 'blob-too-long',
        pieces: (honest) =>
          alter(honest, (piece) => [
            { ...piece, data: piece.data.length < PIECE ? Buffer.concat([piece.data, Buffer.from('x')]) : piece.data },
          ]),
      },
      'never ends behind the last blob': {
        code: 'blob-unasked',
        keepsBlob: true,
        *pieces(honest) {
          yield* honest;
          for (;;) yield { sha256: OTHER, offset: 0, data: Buffer.alloc(PIECE) };
        },
      },
      'sends a blob that nobody asked for': {
        code: 'blob-unasked',
        pieces: (honest) => [{ sha256: OTHER, offset: 0, data: Buffer.from('surprise') }, ...honest],
      },
      'sends a blob of another name that leaves the folder': {
        code: 'blob-unasked',
        pieces: () => [{ sha256: '../../../escaped', offset: 0, data: Buffer.from('x') }],
      },
      'swaps two pieces': {
        code: 'blob-piece-out-of-order',
        pieces: (honest) =>
          alter(honest, (piece) => [{ ...piece, offset: piece.offset === PIECE ? 2 * PIECE : piece.offset }]),
      },
      'repeats a piece': {
        code: 'blob-piece-out-of-order',
        pieces: (honest) => alter(honest, (piece) => [piece, piece]),
      },
      'leaves a hole': {
        code: 'blob-piece-out-of-order',
        pieces: (honest) => alter(honest, (piece) => (piece.offset === PIECE ? [] : [piece])),
      },
      'begins before the beginning': {
        code: 'blob-piece-out-of-order',
        pieces: (honest) => alter(honest, (piece) => [{ ...piece, offset: piece.offset - 1 }]),
      },
      'sends empty pieces for ever': {
        code: 'blob-piece-empty',
        *pieces(honest) {
          for (;;) yield { ...(honest[0] as BlobPiece), data: Buffer.alloc(0) };
        },
      },
      'sends a piece larger than a message': {
        code: 'blob-piece-too-large',
        pieces: (honest) => alter(honest, (piece) => [{ ...piece, data: Buffer.alloc(LIMITS.rpcMessageBytes + 1) }]),
      },
    };
    for (const [story, { code, pieces, keepsBlob }] of Object.entries(ROWS)) {
      it(`${story}: ${code}; nothing unproven is kept, the root is as before`, async () => {
        const source = sourceOf(async function* (wants) {
          yield* pieces(await piecesOf(wants));
        });
        expect(await codeOf(() => receive(fixture.context, { source }))).to.equal(code);
        expect(visible()).to.deep.equal(visibleBefore);
        for (const name of readdirSync(content())) {
          const bytes = readFileSync(join(content(), name));
          if (name.endsWith('.part')) expect(name).to.not.equal(`${BIG}.part`);
          else expect(sha256(bytes)).to.equal(name);
        }
        expect(readdirSync(content()).includes(BIG)).to.equal(keepsBlob === true);
        expect(readdirSync(fixture.folder)).to.deep.equal(['opt']);
      });
    }
    it('breaks the rules in one of seventeen ways', () => expect(Object.keys(ROWS)).to.have.length(17));
  });

  describe('takes from this host', () => {
    it('the cache, an older installation and a preserved neighbour, and fetches only the rest', async () => {
      mkdirSync(fixture.context.blobCache);
      writeFileSync(join(fixture.context.blobCache, BIG), 'x'.repeat(700_000));
      writeFiles(fixture.root, {
        'app-0.9/DEPLOY-MANIFEST.txt': '# run: run-0\n',
        'app-0.9/elsewhere/copy.py': String(CONTENT['lib/deep/er/module.py']),
        'old/twin': String(CONTENT['lib/twin-a']),
      });
      visibleBefore = visible();
      const report = await receive(fixture.context, { source: fixture.source });
      expect([report.copiedFiles, report.fetchedFiles]).to.deep.equal([4, 2]);
      expect(fixture.source.asked).to.have.length(2);
      expect(visible()).to.deep.equal(visibleBefore);
      for (const name of readdirSync(content())) expect(lstatSync(join(content(), name)).nlink).to.equal(1);
    });

    it('nothing from a folder that is neither', async () => {
      writeFiles(fixture.root, { 'somebody-elses/big': 'x'.repeat(700_000) });
      expect((await receive(fixture.context, { source: fixture.source })).fetchedFiles).to.equal(5);
    });

    it('nothing whose name lies about its content, and no link', async () => {
      mkdirSync(fixture.context.blobCache);
      writeFileSync(join(fixture.context.blobCache, BIG), 'y'.repeat(700_000));
      writeFileSync(join(fixture.folder, 'outside'), String(CONTENT['lib/twin-a']));
      symlinkSync(join(fixture.folder, 'outside'), join(fixture.root, 'old', 'link'));
      const report = await receive(fixture.context, { source: fixture.source });
      expect(report.fetchedFiles).to.equal(5);
      expect(sha256(readFileSync(join(content(), BIG)))).to.equal(BIG);
    });
  });

  it('stops when it is told to, also when the source does not', async () => {
    const stop = new AbortController();
    const source = sourceOf(async function* (wants) {
      for (const piece of await piecesOf(wants)) {
        stop.abort(new Error('killed'));
        yield piece;
      }
    });
    const context = fixture.with({ signal: stop.signal });
    expect(await errorOf(receive(context, { source }))).to.have.property('message', 'killed');
    expect(visible()).to.deep.equal(visibleBefore);
  });

  it('refuses an empty file whose digest is not that of nothing', async () => {
    const { manifest } = fixture;
    const entries = manifest.entries.map((entry) => (entry.path === 'lib/empty' ? { ...entry, sha256: OTHER } : entry));
    const context = fixture.with({ manifest: { ...manifest, entries } as typeof manifest });
    expect(await codeOf(() => receive(context, { source: fixture.source }))).to.equal('blob-differs');
  });

  it('asks for many blobs in requests of bounded size', async () => {
    const count = LIMITS.blobsPerRequestCount + 100;
    const many = installFixture({
      content: Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, `${index}`])),
    });
    try {
      const sizes: number[] = [];
      const source = sourceOf((wants) => {
        sizes.push(wants.length);
        return many.source.fetch(wants, { signal: many.context.signal });
      });
      expect((await receive(many.context, { source })).fetchedFiles).to.equal(count);
      expect(sizes).to.deep.equal([LIMITS.blobsPerRequestCount, 100]);
    } finally {
      many.remove();
    }
  }).timeout(20_000);

  function content(): string {
    return join(fixture.context.places.staging, 'content');
  }

  function visible(): string[] {
    return snapshotOf(fixture.root).filter((line) => !line.includes('.keyturn'));
  }

  async function piecesOf(wants: readonly BlobWant[]): Promise<BlobPiece[]> {
    const pieces: BlobPiece[] = [];
    const honest = new RecordingSource(fixture.blobs, PIECE);
    for await (const piece of honest.fetch(wants, { signal: fixture.context.signal })) pieces.push(piece);
    return pieces;
  }
});

function sourceOf(fetch: (wants: readonly BlobWant[]) => AsyncIterable<BlobPiece>): BlobSource {
  return { fetch, chunksOf: async () => Promise.reject(new TransientError('no chunk list')) };
}

function flipped(data: Buffer, here: unknown): Buffer {
  const copy = Buffer.from(data);
  if (here) copy[100] = (copy[100] ?? 0) ^ 1;
  return copy;
}
