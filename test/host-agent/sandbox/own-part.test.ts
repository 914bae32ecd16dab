/** A part of the agent in a process of its own: it reads, it answers, and it ends. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { askOwnPart, type OwnPartOptions } from '../../../host-agent/sandbox/own-part.ts';
import { TransientError } from '../../../shared/errors.ts';
import { skipAloud } from '../../support/skip.ts';

const MIB = 1024 * 1024;

describe('a part of the agent in a process of its own', function () {
  this.timeout(30_000);
  let folder: string;
  let lines: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-part-'));
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const ask = (script: string, options: Partial<OwnPartOptions> = {}) => {
    const path = join(folder, 'part.mjs');
    writeFileSync(path, `import * as fs from 'node:fs';\nconst say = (text) => console.log(text);\n${script}`);
    return askOwnPart(pathToFileURL(path), 'the question', {
      signal: new AbortController().signal,
      memoryBytes: 1024 * MIB,
      answerBytes: MIB,
      onLine: (line) => lines.push(line),
      ...options,
    });
  };
  const failureOf = (asking: Promise<void>) =>
    asking.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('is asked on its standard input and answers in lines, with an empty environment', async () => {
    await ask(`say(fs.readFileSync(0, 'utf8')); say(Object.keys(process.env).length); process.stdout.write('no line')`);
    expect(lines).to.deep.equal(['the question', '0']);
  });

  it('under root is nobody, reads what root may read, and may write nothing of it', async function () {
    if (process.geteuid?.() !== 0) skipAloud(this, 'only root has rights to give up');
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'read all the same', { mode: 0o600 });
    await ask(`say(process.getuid()); say(fs.readFileSync(${JSON.stringify(secret)}, 'utf8'));
      for (const flags of ['r+', 'a']) try { fs.openSync(${JSON.stringify(secret)}, flags); say('written'); } catch (error) { say(error.code); }
      try { fs.writeFileSync(${JSON.stringify(join(folder, 'new'))}, ''); say('made'); } catch (error) { say(error.code); }
      try { fs.accessSync(${JSON.stringify(secret)}, fs.constants.R_OK); say('readable'); } catch (error) { say(error.code); }
      say(/CapEff:\\s*(\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);`);
    expect(lines).to.deep.equal([
      '65534',
      'read all the same',
      'EACCES',
      'EACCES',
      'EACCES',
      'readable',
      '0000000000000004',
    ]);
    expect(existsSync(join(folder, 'new'))).to.equal(false);
    expect(readFileSync(secret, 'utf8')).to.equal('read all the same');
    chmodSync(secret, 0o600);
  });

  it('ends with the signal, whatever it is doing', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by a kill');
    const asking = ask(`say(process.pid); for (;;);`, {
      signal: stop.signal,
      onLine: (line) => {
        lines.push(line);
        stop.abort(reason);
      },
    });
    expect(await failureOf(asking)).to.equal(reason);
    expect(existsSync(`/proc/${lines[0]}`)).to.equal(false);
  });

  it('is not even started when it was to end before', async () => {
    const reason = new Error('stopped before');
    expect(await failureOf(ask('say(1)', { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    expect(lines).to.deep.equal([]);
  });

  const LOST: Record<string, readonly [script: string, options: Partial<OwnPartOptions>, says: string]> = {
    'when it ends badly': ['process.exit(3)', {}, '(3)'],
    'when it is killed': ["process.kill(process.pid, 'SIGKILL')", {}, '(SIGKILL)'],
    'when it says too much': ["for (;;) fs.writeSync(1, 'x'.repeat(1000))", { answerBytes: 5000 }, '(SIGKILL)'],
    'when it has not enough memory': ['say(1)', { memoryBytes: 64 * MIB }, 'ended before its answer'],
  };

  for (const [sentence, [script, options, says]] of Object.entries(LOST)) {
    it(`is lost ${sentence}`, async () => {
      const error = await failureOf(ask(script, options));
      expect(error).to.be.instanceOf(TransientError);
      expect((error as Error).message).to.include(says);
    });
  }
});
