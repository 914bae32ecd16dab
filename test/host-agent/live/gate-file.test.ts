/** `gate.json`: what people may read of the gates. Written soon after each change, as a whole, and believed by nobody. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { GateKeeper } from '../../../host-agent/gate/gate-keeper.ts';
import { hostFolders } from '../../../host-agent/host/host-config.ts';
import { GateFile } from '../../../host-agent/live/gate-file.ts';
import { EPOCH, honestOffer, MINUTE_MS } from '../../support/enable-world.ts';
import { raiseTo } from '../gate/attack.ts';
import { APP, GateWorld } from '../gate/gate-world.ts';

describe('gate.json', () => {
  let world: GateWorld;
  let folder: string;
  let file: GateFile;
  let keeper: GateKeeper;
  const troubles: unknown[] = [];
  const path = () => join(folder, 'run', 'gate.json');

  beforeEach(() => {
    world = new GateWorld();
    folder = mkdtempSync(join(tmpdir(), 'keyturn-gate-file-'));
    chmodSync(folder, 0o755);
    troubles.splice(0);
    raiseTo(world, EPOCH);
    world.enable(honestOffer());
    const nowMs = () => world.nowMs;
    const options = { store: world.store, nowMs, steadyMs: nowMs, onClosed: () => undefined };
    keeper = new GateKeeper({ ...options, onChanged: () => file.note() });
    const onTrouble = (error: unknown) => void troubles.push(error);
    file = new GateFile({ path: path(), host: 'contabo', keeper, gates: world.store, nowMs, onTrouble });
  });
  afterEach(() => {
    if (world.database.open) file.close();
    world.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const said = () => JSON.parse(readFileSync(path(), 'utf8')) as { gates: unknown[]; writtenAt: string };

  /** The next content of the file. */
  async function changed(): Promise<ReturnType<typeof said>> {
    const before = readFileSync(path(), 'utf8');
    const watcher = watch(join(folder, 'run'));
    try {
      while (readFileSync(path(), 'utf8') === before) await new Promise((resolve) => watcher.once('change', resolve));
    } finally {
      watcher.close();
    }
    return said();
  }

  it('says of each gate how it stands, until when, and for what', () => {
    file.write();
    const until = new Date(world.nowMs + 10 * MINUTE_MS).toISOString();
    expect(said()).to.deep.equal({
      schema: 'keyturn.gate/v1',
      host: 'contabo',
      writtenAt: new Date(world.nowMs).toISOString(),
      gates: [{ app: APP, state: 'open', epoch: EPOCH, until, entrypoints: ['live'] }],
    });
  });

  it('may be read by everybody, and written by its owner', () => {
    file.write();
    expect(statSync(path()).mode & 0o777).to.equal(0o644);
    expect(statSync(join(folder, 'run')).mode & 0o777).to.equal(0o755);
  });

  it('is written when a kill arrives, without being asked to', async () => {
    file.write();
    keeper.kill(APP, { reason: 'smoke' });
    expect((await changed()).gates).to.deep.equal([{ app: APP, state: 'closed', epoch: EPOCH + 1, reason: 'smoke' }]);
  });

  it('is written when time closes a gate, and says what was true, not what will be', async () => {
    file.write();
    world.nowMs += 10 * MINUTE_MS;
    keeper.tick();
    expect((await changed()).gates).to.deep.equal([
      { app: APP, state: 'closed', epoch: EPOCH, reason: 'the lease has lapsed' },
    ]);
  });

  it('is written once for changes that come together, and not at all for what it says already', async () => {
    file.write();
    const { ino } = statSync(path());
    file.write();
    expect(statSync(path()).ino).to.equal(ino);
    for (const reason of ['one', 'two', 'three']) keeper.kill(APP, { reason });
    expect((await changed()).gates).to.deep.include({ app: APP, state: 'closed', epoch: EPOCH + 3, reason: 'three' });
  });

  it('is another file each time, so that who reads sees the old one or the new, and nothing is left beside it', async () => {
    file.write();
    const before = statSync(path()).ino;
    keeper.kill(APP, { reason: 'smoke' });
    await changed();
    expect(statSync(path()).ino).to.not.equal(before);
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(join(folder, 'run'))).to.deep.equal(['gate.json']);
  });

  it('says that gates are closed once the agent has stopped, and nothing afterwards', () => {
    file.write();
    file.note();
    file.close();
    const closed = { app: APP, state: 'closed', epoch: EPOCH, reason: 'the agent has stopped' };
    expect(said().gates).to.deep.equal([closed]);
  });

  it('P3: opens nothing, whatever somebody writes there, and is put right with the next change', async () => {
    keeper.kill(APP, { reason: 'smoke' });
    file.write();
    writeFileSync(path(), JSON.stringify({ gates: [{ app: APP, state: 'open' }] }));
    expect(keeper.view(APP).state).to.equal('closed');
    keeper.kill(APP, { reason: 'again' });
    expect((await changed()).gates).to.deep.include({ app: APP, state: 'closed', epoch: EPOCH + 2, reason: 'again' });
  });

  it('P4: that cannot be written is no reason not to obey', () => {
    mkdirSync(path(), { recursive: true });
    file.write();
    expect(troubles).to.have.length(1);
    expect(keeper.kill(APP, { reason: 'smoke' })).to.equal(EPOCH + 1);
  });

  describe('stands', () => {
    const given = process.env.RUNTIME_DIRECTORY;
    afterEach(() => {
      if (given === undefined) delete process.env.RUNTIME_DIRECTORY;
      else process.env.RUNTIME_DIRECTORY = given;
    });

    const PLACES: readonly (readonly [string | undefined, string])[] = [
      [undefined, '/var/lib/keyturn/run'],
      ['', '/var/lib/keyturn/run'],
      ['/run/keyturn-agent', '/run/keyturn-agent'],
      ['/run/keyturn-agent:/run/other', '/run/keyturn-agent'],
    ];
    for (const [value, expected] of PLACES) {
      it(`in ${expected} when RUNTIME_DIRECTORY is ${JSON.stringify(value)}`, () => {
        if (value === undefined) delete process.env.RUNTIME_DIRECTORY;
        else process.env.RUNTIME_DIRECTORY = value;
        expect(hostFolders('/var/lib/keyturn').runtime).to.equal(expected);
      });
    }
  });
});
