import { expect } from 'chai';
import type { BlobWant } from '../../../host-agent/install/blob-source.ts';
import { fetchSmallBlob } from '../../../host-agent/run/fetch-small-blob.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { RecordingSource } from '../../support/install-fixture.ts';
import { noise } from '../../support/noise.ts';
import { codeOf } from '../../support/rejection-of.ts';

const OLDER = noise('older manifest', 700_000);
const NEWER = Buffer.concat([OLDER.subarray(0, 300_000), Buffer.from('a new line'), OLDER.subarray(300_000)]);
const REFERENCE = { sha256: sha256(NEWER), size: NEWER.length };

describe('a small blob', () => {
  const signal = new AbortController().signal;
  const fetch = (source: RecordingSource, options: { limit?: number; older?: Buffer } = {}) =>
    fetchSmallBlob(REFERENCE, { limit: 1_000_000, source, signal, ...options });

  it('is fetched whole, and in one want when nothing like it is here', async () => {
    const source = new RecordingSource(new Map([[REFERENCE.sha256, NEWER]]));
    expect((await fetch(source)).equals(NEWER)).to.equal(true);
    expect(source.asked).to.deep.equal([{ ...REFERENCE, at: { offset: 0, length: NEWER.length } }]);
  });

  it('is asked for beside the older one of its kind, stretch by stretch', async () => {
    const source = new RecordingSource(new Map([[REFERENCE.sha256, NEWER]]));
    expect((await fetch(source, { older: OLDER })).equals(NEWER)).to.equal(true);
    expect(source.asked.map(({ at }) => at.length)).to.deep.equal([
      LIMITS.deltaBytes,
      LIMITS.deltaBytes,
      NEWER.length - 2 * LIMITS.deltaBytes,
    ]);
    for (const { base } of source.asked) await expectRange(base);
  });

  const wrong = {
    'with another content': Buffer.concat([NEWER.subarray(1), Buffer.from('x')]),
    'that is short': NEWER.subarray(0, -1),
    'that does not come': Buffer.alloc(0),
  };
  for (const [name, content] of Object.entries(wrong)) {
    it(`is refused ${name}`, async () => {
      const source = new RecordingSource(new Map([[REFERENCE.sha256, content]]));
      expect(await codeOf(fetch(source))).to.equal('blob-digest-differs');
    });
  }

  it('above its limit is not asked for', async () => {
    const source = new RecordingSource(new Map([[REFERENCE.sha256, NEWER]]));
    expect(await codeOf(fetch(source, { limit: NEWER.length - 1 }))).to.equal('blob-too-large');
    expect(source.asked).to.deep.equal([]);
  });

  async function expectRange(base: BlobWant['base']): Promise<void> {
    expect(base?.sha256).to.equal(sha256(OLDER));
    const { offset = 0, length = 0 } = base ?? {};
    expect((await base?.read())?.equals(OLDER.subarray(offset, offset + length))).to.equal(true);
  }
});
