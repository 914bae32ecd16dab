import { expect } from 'chai';
import fc from 'fast-check';
import {
  FD3_LINE_BYTES,
  FD3_LINE_COUNT,
  LineCollector,
  OutputCapture,
} from '../../../host-agent/sandbox/captured-output.ts';
import { sha256 } from '../../../shared/digest.ts';
import { cutMark } from '../../../shared/redaction.ts';

describe('OutputCapture', () => {
  it('keeps head and tail and hashes everything, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z\n]{0,40}$/), { maxLength: 20 }),
        fc.integer({ min: 1, max: 64 }),
        (chunks, keepBytes) => {
          const capture = new OutputCapture(keepBytes);
          for (const chunk of chunks) capture.add(Buffer.from(chunk));
          const all = chunks.join('');
          const { text, totalBytes, isTruncated, sha256: digest } = capture.finish();
          expect(totalBytes).to.equal(all.length);
          expect(digest).to.equal(sha256(all));
          expect(isTruncated).to.equal(all.length > keepBytes);
          expect(text).to.equal(isTruncated ? cutTo(all, keepBytes) : all);
        },
      ),
    );
  });

  it('keeps the end of many tiny chunks', () => {
    const capture = new OutputCapture(10);
    for (let number = 0; number < 100_000; number++) capture.add(Buffer.from(String(number % 10)));
    expect(capture.finish().text).to.equal(`01234${cutMark(99_990)}56789`);
  });
});

describe('LineCollector', () => {
  it('cuts lines the same, however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-c\n]{0,6}$/), { maxLength: 20 }), (chunks) => {
        const lines = new LineCollector();
        for (const chunk of chunks) lines.add(Buffer.from(chunk));
        const expected = chunks.join('').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines.finish()).to.deep.equal(expected);
      }),
    );
  });

  it('throws away a line that is too long, whole, and goes on behind it', () => {
    const lines = new LineCollector();
    lines.add(Buffer.from('x'.repeat(FD3_LINE_BYTES)));
    lines.add(Buffer.from('x\nafter\n'));
    expect(lines.finish()).to.deep.equal(['after']);
  });

  it('keeps a line of exactly the greatest length', () => {
    const lines = new LineCollector();
    lines.add(Buffer.from(`${'x'.repeat(FD3_LINE_BYTES)}\n`));
    expect(lines.finish().map(({ length }) => length)).to.deep.equal([FD3_LINE_BYTES]);
  });

  it('keeps the first lines of too many', () => {
    const lines = new LineCollector();
    for (let number = 0; number < 2 * FD3_LINE_COUNT; number++) lines.add(Buffer.from(`${number}\n`));
    expect(lines.finish()).to.have.lengthOf(FD3_LINE_COUNT).and.to.include('0');
  });
});

function cutTo(all: string, keepBytes: number): string {
  const head = Math.ceil(keepBytes / 2);
  const tail = Math.floor(keepBytes / 2);
  return all.slice(0, head) + cutMark(all.length - keepBytes) + all.slice(all.length - tail);
}
