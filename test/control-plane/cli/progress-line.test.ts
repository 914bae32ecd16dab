import { expect } from 'chai';
import { type ProgressLine, progressLine } from '../../../control-plane/cli/progress-line.ts';
import { displayWidth, NO_TERMINAL, type Terminal } from '../../../control-plane/cli/terminal.ts';

const TERMINAL: Terminal = { hasColours: false, isTty: true, columns: 80 };
const ERASE = '\r\u001b[2K';

/** A line, what it wrote, and a clock that stands still until it is set. */
function lineOn(terminal: Terminal): { line: ProgressLine; written: string[]; at: (ms: number) => void } {
  const written: string[] = [];
  let now = 0;
  const line = progressLine('upload', { terminal, write: (text) => written.push(text), now: () => now });
  return {
    line,
    written,
    at: (ms) => {
      now = ms;
    },
  };
}

describe('control-plane/cli/progress-line', () => {
  it('shows bytes of the total, the share, and the rate, in one line that is overwritten', () => {
    const { line, written, at } = lineOn(TERMINAL);
    line.update({ doneBytes: 0, totalBytes: 60e6 });
    at(500);
    line.update({ doneBytes: 12.3e6, totalBytes: 60e6 });
    expect(written).to.deep.equal([
      `${ERASE}upload  0.0 of 60.0 MB, 0 %`,
      `${ERASE}upload  12.3 of 60.0 MB, 20 %, 24.6 MB/s`,
    ]);
  });

  it('leaves the whole transfer as a line', () => {
    const { line, written, at } = lineOn(TERMINAL);
    line.update({ doneBytes: 0, totalBytes: 60e6 });
    at(3000);
    line.update({ doneBytes: 60e6, totalBytes: 60e6 });
    line.end();
    expect(written.at(-1)).to.equal(`${ERASE}upload  60.0 MB, 100 %, 20.0 MB/s\n`);
  });

  it('leaves what came of a transfer that broke off', () => {
    const { line, written, at } = lineOn(NO_TERMINAL);
    line.update({ doneBytes: 0, totalBytes: 8000 });
    at(1000);
    line.update({ doneBytes: 2000, totalBytes: 8000 });
    line.end();
    expect(written).to.deep.equal(['upload  2.0 of 8.0 kB, 25 %, 0.0 MB/s\n']);
  });

  it('writes a single line where there is no terminal', () => {
    const { line, written, at } = lineOn(NO_TERMINAL);
    for (let step = 0; step <= 100; step += 1) {
      at(step * 1000);
      line.update({ doneBytes: step, totalBytes: 100 });
    }
    expect(written).to.deep.equal([]);
    line.end();
    line.end();
    expect(written).to.deep.equal(['upload  100 B, 100 %, 0.0 MB/s\n']);
  });

  it('writes nothing where nothing was transferred', () => {
    for (const terminal of [TERMINAL, NO_TERMINAL]) {
      const { line, written } = lineOn(terminal);
      line.end();
      expect(written).to.deep.equal([]);
    }
  });

  it('writes ten times a second at most, however often it hears', () => {
    const { line, written, at } = lineOn(TERMINAL);
    for (let ms = 0; ms < 1000; ms += 1) {
      at(ms);
      line.update({ doneBytes: ms, totalBytes: 1000 });
    }
    expect(written).to.have.length(10);
  });

  it('counts in the rate only what came since it was first heard of: the rest stood there before', () => {
    const { line, written, at } = lineOn(TERMINAL);
    line.update({ doneBytes: 1.9e9, totalBytes: 2e9 });
    at(1000);
    line.update({ doneBytes: 1.95e9, totalBytes: 2e9 });
    expect(written.at(-1)).to.equal(`${ERASE}upload  1.9 of 2.0 GB, 97 %, 50.0 MB/s`);
  });

  it('stays within a narrow terminal, whose lines could not be overwritten if they wrapped', () => {
    for (const columns of [10, 20, 40, 80]) {
      const { line, written, at } = lineOn({ ...TERMINAL, columns });
      line.update({ doneBytes: 0, totalBytes: 60e6 });
      at(500);
      line.update({ doneBytes: 12.3e6, totalBytes: 60e6 });
      for (const text of written) expect(displayWidth(text.slice(ERASE.length))).to.be.below(columns);
    }
  });

  it('never says more than 100 %, whatever a peer claims', () => {
    const { line, written } = lineOn(TERMINAL);
    line.update({ doneBytes: 9, totalBytes: 3 });
    expect(written.join('')).to.include('100 %');
  });
});
