import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { canonicalText } from '../../../../shared/canonical-json.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { KTR_MAGIC } from '../../../../shared/release/ktr/index-format.ts';
import { openKtr } from '../../../../shared/release/ktr.ts';

describe('head of a ktr bundle', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-ktr-head-'));
    path = join(folder, 'a.ktr');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const index = (value: unknown): Buffer => framed(Buffer.from(canonicalText(value)));
  const [a, b] = [sha256('a'), sha256('b')].sort() as [string, string];
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
      expect(
        await openKtr(path).then(
          () => 'accepted',
          (error: { code: string }) => error.code,
        ),
      ).to.equal(code);
      expect(readdirSync(folder)).to.deep.equal(['a.ktr']);
    });
  }

  it('has as many rows as there are ways', () => expect(rows.length).to.equal(19));
});

function head(length: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(length);
  return Buffer.concat([KTR_MAGIC, bytes, Buffer.alloc(50)]);
}

function framed(index: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(index.length));
  return Buffer.concat([KTR_MAGIC, length, index]);
}
