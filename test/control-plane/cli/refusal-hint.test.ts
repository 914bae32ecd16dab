/** An order that a host refused: the command line says what to do where the reason lies outside of the order. */

import { expect } from 'chai';
import { Command } from 'commander';
import { showRecord } from '../../../control-plane/cli/actions/run-ledger.ts';
import type { RunRecord } from '../../../control-plane/cli/run-ledger.ts';

const HINTS: Readonly<Record<string, RegExp | undefined>> = {
  'metadata-expired': /`keyturn doctor` names it and the command that renews it; then order it again$/,
  'timestamp-outlives-policy': /^compare the clocks of the host and of the control plane, set right the wrong one/,
  'order-expired': undefined,
};

/** What `keyturn watch` writes of a run that was refused. */
function shown(refusalCode: string, ...argv: string[]): string {
  let written = '';
  const command = new Command().option('--json').configureOutput({
    writeOut: (text) => {
      written += text;
    },
  });
  command.parse(argv, { from: 'user' });
  const run = { runId: 'run-1', host: 'web-1', phase: 'queued', refusalCode };
  showRecord({ run, ledger: undefined } as unknown as RunRecord, command);
  return written;
}

describe('a run that was refused', () => {
  it('is shown for three codes', () => expect(Object.keys(HINTS)).to.have.length(3));
  for (const [code, hint] of Object.entries(HINTS)) {
    it(`with ${code} ${hint === undefined ? 'says that alone' : 'says what to do'}, to people and to programs`, () => {
      const [line, hintLine] = shown(code).split('\n');
      expect(line).to.equal(`run run-1 was refused by web-1: ${code}`);
      const document = JSON.parse(shown(code, '--json'));
      expect(document).to.deep.include({ run: 'run-1', phase: 'queued', refusalCode: code });
      if (hint === undefined) expect([hintLine, document.hint]).to.deep.equal(['', undefined]);
      else expect(document.hint).to.match(hint);
      if (hint !== undefined) expect(hintLine).to.equal(`hint: ${document.hint}`);
    });
  }
});
