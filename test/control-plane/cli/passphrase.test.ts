/** Passphrases where there is no terminal: from a file or not at all. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { newPassphrase, withPassphrase } from '../../../control-plane/cli/passphrase.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { APP, CommandWorld, failureOf, filesBelow } from '../../support/command-line.ts';
import { talkTo } from '../../support/pseudo-terminal.ts';

const MAIN = fileURLToPath(new URL('../../../control-plane/cli/main.ts', import.meta.url));
const FEW = ['--root', '1/1', '--targets', '1/1', '--approver', 'an:ops'];

describe('passphrases without a terminal', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let hadTerminal: boolean | undefined;
  beforeEach(() => {
    world = new CommandWorld();
    hadTerminal = process.stdin.isTTY;
    process.stdin.isTTY = false;
  });
  afterEach(async () => {
    process.stdin.isTTY = hadTerminal as boolean;
    await world[Symbol.asyncDispose]();
  });

  const fileOf = (content: string): string => {
    const file = world.at('passphrase');
    writeFileSync(file, content);
    return file;
  };
  const refusal = async (action: Promise<unknown>): Promise<unknown> =>
    action.then(
      () => undefined,
      (error) => error,
    );

  it('takes the first line of the file, without its line end', async () => {
    const said: string[] = [];
    const warn = (line: string) => said.push(line);
    const passphraseFile = fileOf('eight ch\r\nmore\n');
    expect(await newPassphrase({ passphraseFile }, { warn })).to.equal('eight ch');
    expect(await withPassphrase({ passphraseFile }, (known) => known)).to.equal('eight ch');
    expect(said).to.deep.equal([]);
  });

  it('warns, with --json as well, that key files are written unencrypted', async () => {
    const ended = await world.json('init', '--app', APP, ...FEW, '--no-passphrase');
    expect(ended.exitCode).to.equal(0);
    expect(ended.stderr).to.include('UNENCRYPTED');
    expect(ended.stdout.trim().split('\n')).to.have.length(1);
  });

  const REFUSED: readonly { name: string; content: string | undefined; says: string }[] = [
    { name: 'none, where none may be asked for', content: undefined, says: 'no terminal to ask on' },
    { name: 'one of seven characters', content: 'seven c\n', says: '7 characters, expected at least 8' },
    { name: 'an empty file', content: '', says: '0 characters, expected at least 8' },
  ];
  for (const { name, content, says } of REFUSED) {
    it(`refuses for new keys ${name}`, async () => {
      const options = content === undefined ? {} : { passphraseFile: fileOf(content) };
      const error = await refusal(newPassphrase(options, { warn: () => {} }));
      expect(error).to.be.instanceOf(UsageError).with.property('message').that.includes(says);
    });
  }

  it('says which option names the file when a key turns out to be encrypted', async () => {
    const needed = new RejectedError('passphrase-needed', 'failed to load key "k.pem": it is encrypted');
    const error = await refusal(
      withPassphrase({}, () => {
        throw needed;
      }),
    );
    expect(error).to.include({ code: 'passphrase-needed' });
    expect((error as RejectedError).hint).to.include('--passphrase-file');
  });

  it('ends a command with 77 and the key file when the passphrase is wrong, or is missing', async () => {
    const file = fileOf('the right passphrase\n');
    expect((await world.json('init', '--app', APP, ...FEW, '--passphrase-file', file)).exitCode).to.equal(0);
    const missing = await world.json('policy', 'sign');
    expect([missing.exitCode, failureOf(missing).code]).to.deep.equal([77, 'passphrase-needed']);
    expect(failureOf(missing).message).to.include('keys/targets/1.pem');
    const wrong = await world.json('policy', 'sign', '--passphrase-file', fileOf('another passphrase\n'));
    expect([wrong.exitCode, failureOf(wrong).code]).to.deep.equal([77, 'passphrase-wrong']);
    expect(failureOf(wrong).message).to.include('keys/targets/1.pem');
    expect(failureOf(wrong).hint).to.include(fileOf('another passphrase\n'));
  });
});

describe('passphrases at a terminal', function () {
  this.timeout(60_000);
  const PASSPHRASE = 'typed by hand';
  let world: CommandWorld;
  beforeEach(() => {
    world = new CommandWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const init = (...answers: string[]) => {
    const questions = ['new passphrase for the key files: ', 'again: '];
    const argv = [MAIN, '--home', world.home.folder, 'init', '--app', APP, ...FEW];
    return talkTo(
      argv,
      answers.map((answer, index) => [questions[index] ?? '', answer] as const),
    );
  };

  it('are asked for twice, shown never, and open the keys', async () => {
    const { exitCode, screen } = init(`${PASSPHRASE}\r`, `${PASSPHRASE}\r`);
    expect(exitCode, screen).to.equal(0);
    expect(screen).to.include('again: ').and.not.include(PASSPHRASE);
    expect(world.home.loadKeys('root', PASSPHRASE)).to.have.length(1);
    const asked = talkTo([MAIN, '--home', world.home.folder, 'policy', 'sign'], [['passphrase: ', 'something else\r']]);
    expect(asked.exitCode, asked.screen).to.equal(77);
    expect(asked.screen).to.include('passphrase-wrong').and.not.include('something else');
  });

  for (const [name, answers, says] of [
    ['differ', [`${PASSPHRASE}\r`, 'typed by foot\r'], 'the two passphrases differ'],
    ['are broken off with Ctrl-C', ['typed by\u0003'], 'no passphrase was given'],
    ['are broken off with Ctrl-D', ['\u0004'], 'no passphrase was given'],
  ] as const) {
    it(`end the ceremony with 64 when they ${name}, and nothing is written`, () => {
      const { exitCode, screen } = init(...answers);
      expect(exitCode, screen).to.equal(64);
      expect(screen).to.include(says);
      expect(filesBelow(world.folder)).to.deep.equal([]);
    });
  }
});
