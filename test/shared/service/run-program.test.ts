/** How a command ends that cannot be meant, or fails: a line that says what and why, a hint, a document, an exit code. */
import { expect } from 'chai';
import { Command } from 'commander';
import { endedWith, outputOf } from '../../../control-plane/cli/output.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { runProgram } from '../../../shared/service/run-program.ts';
import { failureOf, keyturn } from '../../support/command-line.ts';

interface Misuse {
  readonly name: string;
  readonly argv: readonly string[];
  readonly says: string;
  readonly hint?: string;
}

const MISUSED: readonly Misuse[] = [
  { name: 'an unknown command', argv: ['relase'], says: "unknown command 'relase'", hint: 'did you mean release?' },
  { name: 'an unknown command of a group', argv: ['release', 'biuld'], says: "'biuld'", hint: 'did you mean build?' },
  { name: 'a command unlike any', argv: ['xyzzy'], says: "unknown command 'xyzzy'", hint: '--help' },
  { name: 'an unknown option', argv: ['runs', '--hots', 'a'], says: "'--hots'", hint: 'did you mean --host?' },
  { name: 'a missing option', argv: ['release', 'build'], says: "required option '--repo <path>'", hint: '--help' },
  {
    name: 'an option without its value',
    argv: ['release', 'build', '--repo'],
    says: "'--repo <path>' argument missing",
  },
  { name: 'a missing argument', argv: ['watch'], says: "missing required argument 'run'" },
  { name: 'an argument too many', argv: ['runs', 'all'], says: "too many arguments for 'runs'" },
  { name: 'a release without a version', argv: ['deploy', 'cutter', '--host', 'a'], says: 'release "cutter"' },
  { name: 'a host in capitals', argv: ['deploy', 'a@1', '--host', 'WEB'], says: 'host "WEB"' },
  { name: 'a bundle that is not there', argv: ['release', 'show', '/nowhere/x.ktr'], says: 'bundle "/nowhere/x.ktr"' },
  { name: 'a bundle that is a folder', argv: ['release', 'push', '/'], says: 'bundle "/": expected a file' },
  { name: 'a role that nobody rotates', argv: ['trust', 'rotate', 'timestamp'], says: 'role "timestamp"' },
  { name: 'minutes that are no number', argv: ['host', 'token', 'a', '--minutes', 'x'], says: '--minutes "x"' },
  { name: 'a threshold of none', argv: ['trust', 'add-releaser', 'a', '--threshold', '0'], says: '--threshold "0"' },
];

const FAILURES: readonly { name: string; error: Error; exitCode: number; code: string | undefined }[] = [
  {
    name: 'a refusal',
    error: new RejectedError('not-so', 'failed: "x"', { hint: 'do y' }),
    exitCode: 77,
    code: 'not-so',
  },
  { name: 'an outage', error: new TransientError('failed: "x"', { hint: 'do y' }), exitCode: 69, code: undefined },
  { name: 'a misuse', error: new UsageError('failed: "x"', 'do y'), exitCode: 64, code: undefined },
  { name: 'a defect', error: new TypeError('failed: "x"'), exitCode: 70, code: undefined },
];

/** A program with one command that does this. */
async function running(action: (command: Command) => void, ...argv: string[]) {
  const written = { stdout: '', stderr: '' };
  const program = new Command('keyturn').option('--json').exitOverride();
  program.configureOutput({
    writeOut: (text) => {
      written.stdout += text;
    },
    writeErr: (text) => {
      written.stderr += text;
    },
  });
  program.command('act').action((_options, command: Command) => action(command));
  return {
    exitCode: await runProgram(program, { argv: [...argv, 'act'], endedWith: () => endedWith(program) }),
    ...written,
  };
}

describe('how keyturn ends', function () {
  this.timeout(20_000);
  it('has fifteen ways to be misused, and four to fail', () => {
    expect([MISUSED.length, FAILURES.length]).to.deep.equal([15, 4]);
  });

  for (const { name, argv, says, hint } of MISUSED) {
    it(`ends with 64 on ${name}, as text and as a document`, async () => {
      const [text, json] = [await keyturn(...argv), await keyturn('--json', ...argv)];
      expect([text.exitCode, json.exitCode, text.stdout]).to.deep.equal([64, 64, '']);
      expect(text.stderr)
        .to.match(/^keyturn: /)
        .and.include(says);
      expect(failureOf(json).message)
        .to.include(says)
        .and.not.match(/^error/);
      if (hint !== undefined) expect(failureOf(json).hint).to.include(hint);
    });
  }

  it('prints its help and ends with 64 when no command is named, in the program or in a group', async () => {
    for (const argv of [[], ['release'], ['trust'], ['host'], ['policy']]) {
      const ended = await keyturn(...argv);
      expect([ended.exitCode, ended.stdout]).to.deep.equal([64, '']);
      expect(ended.stderr).to.include('Usage: keyturn');
      expect(failureOf(await keyturn('--json', ...argv)).message).to.equal('a command is missing');
    }
  });

  for (const { name, error, exitCode, code } of FAILURES) {
    it(`ends with ${exitCode} on ${name}; only a defect shows where it was`, async () => {
      const fail = () => {
        throw error;
      };
      const [text, json] = [await running(fail), await running(fail, '--json')];
      expect([text.exitCode, json.exitCode, text.stdout]).to.deep.equal([exitCode, exitCode, '']);
      expect(failureOf(json)).to.include({ message: 'failed: "x"' });
      expect(failureOf(json).code).to.equal(code);
      expect(text.stderr.split('\n')[0]).to.equal(`keyturn: failed: "x"${code === undefined ? '' : ` [${code}]`}`);
      expect(text.stderr.includes('    at ')).to.equal(exitCode === 70);
      expect(text.stderr.includes('hint: do y')).to.equal(exitCode !== 70);
    });
  }

  it('shows what the control plane said without letting it steer the terminal', async () => {
    const { stderr } = await running(() => {
      throw new RejectedError('no', 'failed\u001b[2J\u202e:\r"x"\nsecond line');
    });
    expect(stderr).to.equal('keyturn: failed\\u{1b}[2J\\u{202e}:\\r"x"\nsecond line [no]\n');
  });

  it('ends with what a command said at its end, each run for itself', async () => {
    const ended = await running((command) => outputOf(command).endWith(20));
    expect(ended.exitCode).to.equal(20);
    expect((await running(() => {})).exitCode).to.equal(0);
  });
});
