/** What a host says of itself comes from its disk, through the code that also decides; asking changes nothing. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { saveHostConfig } from '../../../host-agent/host/host-config.ts';
import { hostStatus } from '../../../host-agent/host/host-status.ts';
import { lockStateFolder } from '../../../host-agent/journal/state-lock.ts';
import { sha256 } from '../../../shared/digest.ts';
import { codeOf } from '../../support/errors-of.ts';
import { DriverWorld, RUN } from '../run/driver-world.ts';

describe('the status of a host', () => {
  let world: DriverWorld;
  beforeEach(async () => {
    world = await DriverWorld.start();
    saveHostConfig(world.signed.stateDirectory, {
      schema: 'keyturn.agent/v1',
      host: 'devhost-1',
      gateway: 'control.example:7402',
      labels: { env: 'prod' },
      installRoots: ['/opt/dot'],
      rootPrefix: world.signed.rootPrefix,
    });
  });
  afterEach(() => world[Symbol.dispose]());

  it('P3: names each run, what is trusted, what is still to be told, and each gate as the gate itself reads it', async () => {
    await world.drive();
    world.signed.database.exec(
      'insert into gate_states (app, state) values (\'other\', \'{"state":"closed","reason":"killed","epoch":4,"seenMs":0}\')',
    );
    const status = await hostStatus(world.signed.stateDirectory);
    expect(status).to.deep.include({ host: 'devhost-1', labels: { env: 'prod' }, installRoots: ['/opt/dot'] });
    expect(status.runs).to.deep.equal([{ run: RUN, app: 'app', version: '1.1', phase: 'proven' }]);
    expect(status.outbox).to.equal(world.store.entries(RUN).length);
    expect(status.trust).to.deep.include({ 'root.json': 1, 'release-app.json': 3 });
    expect(status.executionGates).to.deep.equal([
      { app: 'app', state: 'closed', reason: 'no enable order was ever admitted', epoch: 0 },
      { app: 'other', state: 'closed', reason: 'killed', epoch: 4 },
    ]);
  });

  it('is given while an agent holds the folder and is in the middle of a transaction', async () => {
    const { database, stateDirectory } = world.signed;
    using _agent = lockStateFolder(stateDirectory);
    database.exec('begin immediate; delete from outbox');
    expect((await hostStatus(stateDirectory)).outbox).to.equal(1);
    database.exec('rollback');
  });

  it('changes nothing, and makes no journal where none is', async () => {
    const { stateDirectory, database } = world.signed;
    database.pragma('wal_checkpoint(TRUNCATE)');
    const before = contentOf(stateDirectory);
    await hostStatus(stateDirectory);
    expect(contentOf(stateDirectory)).to.deep.equal(before);
    database.close();
    for (const name of readdirSync(stateDirectory)) if (name !== 'agent.json') rmSync(join(stateDirectory, name));
    expect(await codeOf(() => hostStatus(stateDirectory))).to.equal('journal-missing');
    expect(readdirSync(stateDirectory)).to.deep.equal(['agent.json']);
  });

  it('of a host that is not enrolled is none, and nothing is made for it', async () => {
    const nowhere = join(world.signed.folder, 'nowhere');
    expect(await codeOf(() => hostStatus(nowhere))).to.equal('not-enrolled');
    expect(readdirSync(world.signed.folder)).to.not.include('nowhere');
  });

  it('of a damaged journal says so', async () => {
    world.signed.database.exec("update runs set state = 'proven'");
    expect(await codeOf(() => hostStatus(world.signed.stateDirectory))).to.equal('journal-corrupt');
  });
});

/** Without the memory that readers share, which is no content. */
function contentOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith('-shm'))
    .sort()
    .map((name) => `${name} ${sha256(readFileSync(join(folder, name)))}`);
}
