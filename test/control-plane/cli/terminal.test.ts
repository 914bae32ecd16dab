import { expect } from 'chai';
import fc from 'fast-check';
import { clipped, displayWidth, tableLines, terminalOf, toned } from '../../../control-plane/cli/terminal.ts';

const plain = { hasColours: false, isTty: false, columns: 80 };

describe('control-plane/cli/terminal', () => {
  const COLOURS: readonly [string, { isTTY?: boolean }, Record<string, string>, boolean][] = [
    ['colours on a terminal', { isTTY: true }, {}, true],
    ['no colours where NO_COLOR is set', { isTTY: true }, { NO_COLOR: '1' }, false],
    ['colours where NO_COLOR is set to nothing', { isTTY: true }, { NO_COLOR: '' }, true],
    ['no colours in a pipe', {}, {}, false],
    ['no colours in a pipe, whatever the terminal is called', { isTTY: false }, { TERM: 'xterm-256color' }, false],
  ];
  for (const [title, stream, env, hasColours] of COLOURS) {
    it(`has ${title}`, () => expect(terminalOf(stream, env).hasColours).to.equal(hasColours));
  }

  const COLUMNS: readonly [string, { isTTY?: boolean; columns?: number }, number][] = [
    ['what the terminal says', { isTTY: true, columns: 40 }, 40],
    ['80 where the terminal was never told', { isTTY: true, columns: 0 }, 80],
    ['80 in a pipe', {}, 80],
  ];
  for (const [title, stream, columns] of COLUMNS) {
    it(`is as wide as ${title}`, () => expect(terminalOf(stream, {}).columns).to.equal(columns));
  }

  const WIDTHS: readonly [string, number][] = [
    ['', 0],
    ['abc', 3],
    ['Quy chế', 7],
    ['e\u0301', 1],
    ['漢字', 4],
    ['한국', 4],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['🇻🇳', 2],
    ['ｱ', 1],
    ['Ａ', 2],
    ['a\u200bb', 2],
  ];
  for (const [text, width] of WIDTHS) {
    it(`gives ${JSON.stringify(text)} ${width} cells`, () => expect(displayWidth(text)).to.equal(width));
  }

  it('lines columns up by cells, whatever is in them', () => {
    const lines = tableLines(plain, [
      [{ text: '漢字' }, { text: 'x' }],
      [{ text: 'abcdef' }, { text: 'y' }],
      [{ text: 'é' }, { text: 'z' }],
    ]);
    expect(lines.map((line) => displayWidth(line.slice(0, line.search(/[xyz]$/))))).to.deep.equal([8, 8, 8]);
  });

  it('clips to a width, and says that it did', () => {
    expect(clipped('漢字漢字', 5)).to.equal('漢字…');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
        expect(displayWidth(clipped(text, width))).to.be.at.most(Math.max(width, 1));
        if (displayWidth(text) <= width) expect(clipped(text, width)).to.equal(text);
      }),
    );
  });

  it('colours a text without changing it', () => {
    expect(toned({ hasColours: true, isTty: true, columns: 80 }, 'good', 'PASS')).to.equal('\u001b[32mPASS\u001b[0m');
    expect(toned(plain, 'bad', 'FAIL')).to.equal('FAIL');
    expect(toned({ hasColours: true, isTty: true, columns: 80 }, 'plain', 'x')).to.equal('x');
  });
});
