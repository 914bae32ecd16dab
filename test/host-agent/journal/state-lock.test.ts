/** Two agents on one state folder would drive one run twice: the second one is refused. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { lockStateFolder } from '../../../host-agent/journal/state-lock.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';

const MODULE = fileURLToPath(import.meta.resolve('../../../host-agent/journal/state-lock.ts'));

/** Takes the lock, forgets it, collects garbage, says so, and lives until it is killed. */
const HOLDER = `import { lockStateFolder } from ${JSON.stringify(MODULE)};
lockStateFolder(process.argv[1]);
gc();
process.stdout.write('held');
setInterval(() => {}, 60_000);`;

describe('the lock of a state folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is held by one, and free when that one lets go', () => {
    const first = lockStateFolder(folder);
    for (let attempt = 0; attempt < 3; attempt += 1) expectRefused(folder);
    first[Symbol.dispose]();
    lockStateFolder(folder)[Symbol.dispose]();
  });

  it('is of one folder alone', () => {
    const other = mkdtempSync(join(tmpdir(), 'keyturn-lock-'));
    using _first = lockStateFolder(folder);
    lockStateFolder(other)[Symbol.dispose]();
    rmSync(other, { recursive: true });
  });

  it('P8: of another process is refused while it lives, and free once it was killed', async () => {
    const holder: ChildProcess = spawn(process.execPath, [
      '--expose-gc',
      '--input-type=module-typescript',
      '-e',
      HOLDER,
      folder,
    ]);
    const [said] = await once(holder.stdout as NodeJS.ReadableStream, 'data');
    expect(String(said)).to.equal('held');
    const gone = once(holder, 'exit');
    try {
      expectRefused(folder);
    } finally {
      holder.kill('SIGKILL');
      await gone;
    }
    lockStateFolder(folder)[Symbol.dispose]();
  });

  it('cannot be had where nothing can be written', () => {
    expect(() => lockStateFolder(join(folder, 'nowhere'))).to.throw(Error);
    const failure = failureOf(() => lockStateFolder(join(folder, 'nowhere')));
    expect(failure instanceof TransientError || failure instanceof TypeError).to.equal(true);
  });
});

function expectRefused(folder: string): void {
  const failure = failureOf(() => lockStateFolder(folder)) as RejectedError;
  expect(failure).to.be.instanceOf(RejectedError);
  expect(failure.code).to.equal('agent-running');
  expect(failure.message).to.equal(`failed to start: another agent runs on "${folder}"`);
  expect(failure.hint).to.match(/stop it first/);
}

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
