import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { RejectedError, TransientError } from '../../../../shared/errors.ts';
import { ChunkCutter } from '../../../../shared/release/content/chunk-list.ts';
import { endDiskThreads, inDiskThread } from '../../../../shared/store/disk-threads/disk-threads.ts';
import { hashTree } from '../../../../shared/store/tree-reader.ts';
import { errorOf } from '../../../support/errors-of.ts';
import { noise } from '../../../support/noise.ts';

describe('disk threads', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-threads-'));
  });

  afterEach(async () => {
    await endDiskThreads();
    await rm(folder, { recursive: true, force: true });
  });

  it('hash a tree as this thread does', async () => {
    mkdirSync(join(folder, 'tree/below'), { recursive: true });
    for (let index = 0; index < 50; index += 1)
      writeFileSync(join(folder, `tree/below/${index}`), noise(`${index}`, 500));
    writeFileSync(join(folder, 'tree/left-out'), 'x');
    const root = join(folder, 'tree');
    const aside = await inDiskThread('hash-tree', { root, leaveOut: ['left-out'] });
    expect(aside).to.deep.equal(await hashTree(root, { leaveOut: ['left-out'] }));
  });

  it('hash files, and pass over what is none', async () => {
    writeFileSync(join(folder, 'a'), 'alpha');
    const digests = await inDiskThread('hash-files', { paths: [join(folder, 'a'), join(folder, 'absent'), folder] });
    expect(digests).to.deep.equal([sha256('alpha'), undefined, undefined]);
  });

  it('cut a file as its bytes are cut', async () => {
    const content = noise('cut', 2_500_000);
    writeFileSync(join(folder, 'large'), content);
    const cutter = new ChunkCutter();
    cutter.add(content);
    expect(await inDiskThread('cut-file', { path: join(folder, 'large') })).to.deep.equal({
      chunks: cutter.finish(),
      sha256: createHash('sha256').update(content).digest('hex'),
    });
  });

  it('hash a file while it grows, by what stands in it', async () => {
    const path = join(folder, 'growing');
    writeFileSync(path, 'one ');
    const { port1, port2 } = new MessageChannel();
    const digest = inDiskThread('hash-growing-file', { path, size: 12, port: port2 }, { transfer: [port2] });
    port1.postMessage(4);
    appendFileSync(path, 'two ');
    port1.postMessage(8);
    appendFileSync(path, 'last');
    port1.postMessage(12);
    expect(await digest).to.equal(sha256('one two last'));
  });

  it('say so when a growing file became shorter', async () => {
    const path = join(folder, 'shrinking');
    writeFileSync(path, 'four');
    const { port1, port2 } = new MessageChannel();
    const digest = inDiskThread('hash-growing-file', { path, size: 9, port: port2 }, { transfer: [port2] });
    port1.postMessage(9);
    expect(await errorOf(digest)).to.be.instanceOf(TransientError);
  });

  it('carry errors back with their family, code, hint and cause', async () => {
    const rejected = await errorOf(inDiskThread('hash-tree', { root: '/dev/null', leaveOut: [] }));
    expect(rejected).to.be.instanceOf(RejectedError);
    expect((rejected as RejectedError).code).to.equal('tree-is-no-folder');
    const transient = await errorOf(inDiskThread('sync-files', { paths: [join(folder, 'absent')] }));
    expect(transient).to.be.instanceOf(TransientError);
    expect((transient as TransientError).cause).to.have.property('code', 'ENOENT');
  });

  it("end a job with its signal's reason, also before it began", async () => {
    const stop = new AbortController();
    const path = join(folder, 'waiting');
    writeFileSync(path, '');
    const { port1, port2 } = new MessageChannel();
    const signal = stop.signal;
    const digest = inDiskThread('hash-growing-file', { path, size: 1, port: port2 }, { signal, transfer: [port2] });
    stop.abort(new Error('the agent stops'));
    expect(await errorOf(digest)).to.have.property('message', 'the agent stops');
    port1.close();
    const unbegun = await errorOf(inDiskThread('hash-files', { paths: [] }, { signal }));
    expect(unbegun).to.have.property('message', 'the agent stops');
  });

  it('end their jobs when they are ended, and start again with the next', async () => {
    const { port1, port2 } = new MessageChannel();
    const path = join(folder, 'waiting');
    writeFileSync(path, '');
    const digest = inDiskThread('hash-growing-file', { path, size: 1, port: port2 }, { transfer: [port2] });
    await endDiskThreads();
    expect(await errorOf(digest)).to.be.instanceOf(TransientError);
    port1.close();
    expect(await inDiskThread('hash-files', { paths: [] })).to.deep.equal([]);
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
