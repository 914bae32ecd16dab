/** P8: the control plane is killed while a release is uploaded; what has its name by then is whole, and the rest comes after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { BlobStore } from '../../../control-plane/blobs/blob-store.ts';
import { connectOperator, type OperatorConnection } from '../../../control-plane/cli/client.ts';
import { uploadBlobs } from '../../../control-plane/cli/upload-blobs.ts';
import { issueOperator } from '../../../control-plane/service.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { type Ktr, openKtr } from '../../../shared/release/ktr.ts';
import { filesBelow } from '../../support/command-line.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { writeKtr } from '../../support/ktr-file.ts';
import { noise } from '../../support/noise.ts';
import { codeOf } from '../../support/rejection-of.ts';

const PROGRAM = fileURLToPath(new URL('../../support/control-plane-process.ts', import.meta.url));
const KILLS = 3;
const SMALL_COUNT = 1_200;
/** Less than a group, so that a kill may come at any step of keeping one. */
const BLOBS_APART = 150;
const LARGE = noise('large', 8 * 1024 * 1024);
const CONTENTS = [
  ...Array.from({ length: SMALL_COUNT }, (_, index) => noise(`small ${index}`, 200 + (index % 3_000))),
  LARGE,
];

describe('an upload, whose control plane is killed at any moment (P8)', function () {
  this.timeout(60_000);
  let world: ControlPlaneWorld;
  let ktr: Ktr;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    ktr = await openKtr(await writeKtr(join(world.folder, 'a.ktr'), CONTENTS));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await world.stop();
  });

  it('leaves whole blobs alone under their names, and what is missing is brought after', async () => {
    const { addresses } = world.controlPlane;
    const identity = await issueOperator(world.controlPlaneFolder, { name: 'killer', role: 'releaser' }, world.clock);
    const connection = { ...identity, address: addresses.operator };
    await world.stopControlPlane();
    const kept: number[] = [];
    for (let life = 0; life <= KILLS; life += 1) {
      const child = await startProcess([addresses.join, addresses.gateway, addresses.operator]);
      expect(readdirSync(at('incoming')).filter((name) => !name.endsWith('.part'))).to.deep.equal([]);
      // Each life is cut off a little later in the work; the last one is not.
      const uploaded =
        life < KILLS ? await killedAt(1 + life * BLOBS_APART, child, connection) : await upload(connection);
      expect(uploaded).to.equal(life === KILLS);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      kept.push(expectWholeBlobs());
    }
    expect(kept).to.deep.equal(kept.toSorted((a, b) => a - b));
    expect(kept.at(-1)).to.equal(CONTENTS.length);
    expect(
      await new BlobStore(join(world.controlPlaneFolder, 'content'), world.clock).missing([...ktr.blobs.keys()]),
    ).to.deep.equal([]);
    expect(readdirSync(at('incoming'))).to.deep.equal([]);
  });

  const at = (name: string) => join(world.controlPlaneFolder, 'content', name);

  function expectWholeBlobs(): number {
    const files = filesBelow(at('blobs'));
    for (const path of files) expect(sha256(readFileSync(join(at('blobs'), path)))).to.equal(basename(path));
    return files.length;
  }

  /** Kills it once so many blobs have their names. */
  async function killedAt(count: number, child: ChildProcess, connection: OperatorConnection): Promise<boolean> {
    const client = connectOperator(connection);
    const gone = new AbortController();
    child.once('exit', () => gone.abort());
    let isAsked = false;
    const missingBlobs: typeof client.missingBlobs = (request) => {
      if (isAsked) throw new RejectedError('given-up', 'nobody waits for the control plane to come back');
      isAsked = true;
      return client.missingBlobs(request);
    };
    const uploaded = uploadBlobs([...ktr.blobs.keys()], {
      ktr,
      // Without the signal, what is sent to a process that was killed is given up by keepalive, much later.
      client: { missingBlobs, uploadBlobs: (parcels) => client.uploadBlobs(parcels, { signal: gone.signal }) },
      onProgress: () => {},
    });
    const ended = codeOf(uploaded).finally(() => client.close());
    while (filesBelow(at('blobs')).length < count) await new Promise(setImmediate);
    child.kill('SIGKILL');
    expect(await ended).to.equal('given-up');
    return false;
  }

  async function upload(connection: OperatorConnection): Promise<boolean> {
    const client = connectOperator(connection);
    await uploadBlobs([...ktr.blobs.keys()], { ktr, client, onProgress: () => {} }).finally(() => client.close());
    return true;
  }

  async function startProcess(addresses: readonly string[]): Promise<ChildProcess> {
    const ports = addresses.map((address) => address.split(':')[1] ?? '');
    const child = spawn(process.execPath, [PROGRAM, world.controlPlaneFolder, ...ports], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    for await (const _line of createInterface({ input: child.stdout as Readable })) return child;
    throw new Error('the control plane has ended before it was ready');
  }
});
