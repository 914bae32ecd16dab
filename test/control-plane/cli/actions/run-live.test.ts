/** `keyturn run-live`: only what an open gate lets run, told as the host signed it. */
import { expect } from 'chai';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { APP, GovernWorld, REASON } from '../../../support/govern-world.ts';

interface Live {
  readonly live: string;
  readonly host: string;
  readonly entrypoint: string;
  readonly startedAtMs: number;
  readonly ended?: { readonly how: string; readonly stdout: string; readonly stderr: string; readonly lines: string[] };
}

describe('keyturn run-live', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let release: string;

  before(async () => {
    world = await GovernWorld.start();
    release = await world.release('1.0');
    await world.host('web-1');
    await world.proven(release, 'web-1');
  });
  after(() => world[Symbol.asyncDispose]());

  const runLive = (entrypoint: string, ...argv: string[]) =>
    world.command.json('run-live', APP, entrypoint, '--host', 'web-1', ...argv);

  it('is refused by a closed gate, which says so and what opens it', async () => {
    const ended = await runLive('live', '--watch');
    expect(ended.exitCode).to.equal(77);
    expect(failureOf(ended).code).to.equal('gate-closed');
    expect(failureOf(ended).hint).to.match(/an order opens it: `keyturn enable request`$/);
  });

  it('is refused for each entrypoint that the order does not name', async () => {
    const named = await world.signedRequest(release, ['web-1'], '--entrypoint', 'live', 'broken', 'follow');
    await world.done('enable', 'send', named);
    const codes = [];
    for (const entrypoint of ['sweep', 'dryrun']) codes.push(failureOf(await runLive(entrypoint)).code);
    expect(codes).to.deep.equal(['entrypoint-not-enabled', 'entrypoint-not-enabled']);
  });

  it('is refused as a name that no entrypoint can have, before any host hears of it', async () => {
    expect(failureOf(await runLive('../live')).code).to.equal('live-run-malformed');
  });

  it('is refused for a host that never joined', async () => {
    const ended = await world.command.json('run-live', APP, 'live', '--host', 'web-9');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'host-unknown']);
  });

  it('shows the end of it with what it said, and ends with 0', async () => {
    const ended = await runLive('live', '--watch');
    expect(ended.exitCode, ended.stderr).to.equal(0);
    const live = documentOf<Live>(ended);
    expect(live).to.include({ host: 'web-1', app: APP, version: '1.0', entrypoint: 'live', epoch: 0 });
    expect(live.ended).to.include({ how: 'exit 0', stdout: 'the lamp is lit\n', stderr: '' });
    expect(live.ended?.lines).to.deep.equal(['{"closeout": {"lit": 1}}']);
    const told = await world.command.keyturn('run-live', APP, 'live', '--host', 'web-1', '--watch');
    expect(told.stdout).to.match(/^[0-9A-Z]{26} ended at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: exit 0$/m);
    expect(told.stdout).to.include('the lamp is lit');
    expect(told.stderr).to.match(/^[0-9A-Z]{26} runs on web-1 since \d{4}-/);
  });

  it('ends with 20 where it failed, and shows why', async () => {
    const ended = await runLive('broken', '--watch');
    expect(ended.exitCode).to.equal(20);
    expect(documentOf<Live>(ended).ended).to.include({ how: 'exit 4', stderr: 'the lamp is broken\n' });
  });

  it('does not wait for the end unless told to', async () => {
    const ended = await runLive('follow');
    expect(ended.exitCode).to.equal(0);
    expect(documentOf<Live>(ended)).to.not.have.property('ended');
    await world.done('kill', APP, '--host', 'web-1', ...REASON);
  });

  it('ends with 69 where the host says nothing, and says what becomes of it', async () => {
    await world.hosts.get('web-1')?.stopAgent();
    const ended = await runLive('live', '--watch', '--wait', '1s');
    expect(ended.exitCode).to.equal(69);
    expect(failureOf(ended).message).to.equal(`asked "web-1" to run ${APP} live, and got no answer yet`);
    expect(failureOf(ended).hint).to.match(
      /^live run [0-9A-Z]{26} starts when the host hears of it, if its gate is open/,
    );
  });
});
