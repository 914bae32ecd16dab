import { expect } from 'chai';
import { Command } from 'commander';
import { outputOf } from '../../../control-plane/cli/output.ts';

function outputs(...argv: string[]) {
  const written = { stdout: '', stderr: '' };
  const program = new Command('keyturn').option('--json');
  program.configureOutput({
    writeOut: (text) => {
      written.stdout += text;
    },
    writeErr: (text) => {
      written.stderr += text;
    },
  });
  program.command('act').action((_options, command: Command) => {
    const output = outputOf(command);
    output.note('a note');
    output.progress('42 %');
    output.warn('mind');
    output.result({ done: true }, () => ['done', 'next']);
  });
  program.parse([...argv, 'act'], { from: 'user' });
  return written;
}

describe('the output of a command', () => {
  it('is lines on stdout for people, the way there on stderr', () => {
    expect(outputs()).to.deep.equal({ stdout: 'done\nnext\n', stderr: 'a note\n42 %keyturn: mind\n' });
  });

  it('is one document with --json, and of the rest only what nobody may miss', () => {
    expect(outputs('--json')).to.deep.equal({ stdout: '{"done":true}\n', stderr: 'keyturn: mind\n' });
  });
});
