/** `keyturn kill` in its ways: an operator's word, an approver's key, an order that was signed beforehand; near and far. */
import { readFileSync, renameSync } from 'node:fs';
import { expect } from 'chai';
import { readKillRecord } from '../../../../shared/orders/kill-record.ts';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { APP, GovernWorld, REASON } from '../../../support/govern-world.ts';
import { codeOf } from '../../../support/rejection-of.ts';

interface Killed {
  readonly order: string;
  readonly orderedAtMs: number;
  readonly hosts: readonly {
    readonly host: string;
    readonly isConnected: boolean;
    readonly durableMs?: number;
    readonly killedMs?: number;
    readonly goneMs?: number;
    readonly epoch?: number;
  }[];
  readonly unreached: readonly string[];
}

describe('keyturn kill', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let release: string;

  before(async () => {
    world = await GovernWorld.start();
    release = await world.release('1.0');
    await Promise.all(['web-1', 'web-2'].map((name) => world.host(name)));
    await world.proven(release, 'web-1');
  });
  after(() => world[Symbol.asyncDispose]());

  const killed = (...argv: string[]) => world.done<Killed>('kill', APP, ...REASON, ...argv);

  /** As the hosts signed it. */
  async function epochs(): Promise<Record<string, number>> {
    const { store } = world.command.service.plane;
    const rows = await store.selectFrom('gates').select(['host', 'epoch']).where('app', '=', APP).execute();
    return Object.fromEntries(rows.map(({ host, epoch }) => [host, epoch]));
  }

  const USAGE: Readonly<Record<string, { argv: string[]; says: RegExp }>> = {
    'no host': { argv: [APP, ...REASON], says: /expected --host HOST, or --all/ },
    'hosts and all of them': {
      argv: [APP, '--host', 'web-1', '--all', ...REASON],
      says: /expected --host HOST, or --all/,
    },
    'no reason': { argv: [APP, '--all'], says: /expected --reason TEXT/ },
    'a host that can be none': { argv: [APP, '--host', 'WEB_1', ...REASON], says: /host "WEB_1"/ },
    'an application that can be none': { argv: ['Lantern!', '--all', ...REASON], says: /application "Lantern!"/ },
    'an order that is not there': { argv: [APP, '--order', '/nowhere.json'], says: /there is no such file/ },
    'an order and something that says it again': {
      argv: [APP, '--order', '/nowhere.json', '--all'],
      says: /--order says all of it, and --all/,
    },
    'a file for an order that nobody signs': {
      argv: [APP, '--all', ...REASON, '--out', '/tmp/nobody.json'],
      says: /--out needs --key/,
    },
  };

  it('refuses 8 command lines', () => expect(Object.keys(USAGE)).to.have.length(8));
  for (const [name, { argv, says }] of Object.entries(USAGE)) {
    it(`refuses ${name}, and kills nothing`, async () => {
      const ended = await world.command.json('kill', ...argv);
      expect(ended.exitCode).to.equal(64);
      expect(failureOf(ended).message).to.match(says);
      expect(await epochs()).to.not.have.property('web-2');
    });
  }

  it("takes an operator's word, says when it was durable and when nothing ran any more, and writes it into the log", async () => {
    const { order, hosts, unreached } = await killed('--host', 'web-1');
    const [row] = hosts;
    expect(row).to.include({ host: 'web-1', isConnected: true, epoch: 1 });
    for (const ms of [row?.durableMs, row?.killedMs, row?.goneMs]) expect(ms).to.be.within(0, 10_000);
    expect(unreached).to.deep.equal([]);
    const { document } = await world.command.service.plane.store
      .selectFrom('orders')
      .select('document')
      .where('sha256', '=', order)
      .executeTakeFirstOrThrow();
    const record = readKillRecord(document);
    expect(record).to.include({ from: 'session', app: APP, reason: 'as proven', by: 'first-operator' });
    expect(record?.hosts).to.deep.equal(['web-1']);
  });

  it('stops what runs, and only then says that nothing does', async () => {
    await world.enabled(release, ['web-1']);
    const { live } = await world.done<{ live: string }>('run-live', APP, 'follow', '--host', 'web-1');
    const [row] = (await killed('--host', 'web-1')).hosts;
    const { store } = world.command.service.plane;
    const run = await store.selectFrom('live_runs').selectAll().where('id', '=', live).executeTakeFirstOrThrow();
    expect(run.is_over).to.equal(1);
    expect(row?.goneMs).to.be.at.least(row?.killedMs ?? Number.NaN);
  });

  it('asks whoever has no certificate of an operator for a signature', async () => {
    const viewer = world.command.publisher('viewer').client;
    const wanted = { app: APP, hosts: ['web-1'], reason: 'smoke', envelope: Buffer.alloc(0) };
    expect(await codeOf(viewer.kill(wanted))).to.equal('role-not-sufficient');
  });

  it("takes an approver's key from whoever may only look", async () => {
    const path = world.command.home.operatorPath('operator');
    renameSync(path, `${path}.away`);
    try {
      const refused = await world.command.json('kill', APP, '--host', 'web-1', ...REASON);
      expect(failureOf(refused).code).to.equal('operator-certificate-missing');
      const before = await epochs();
      const { hosts } = await killed('--host', 'web-1', '--key', world.keyOf('sec-1'), '--no-passphrase');
      expect(hosts[0]?.epoch).to.equal((before['web-1'] ?? 0) + 1);
    } finally {
      renameSync(`${path}.away`, path);
    }
  });

  it('takes no key that the policy does not name, and kills nothing', async () => {
    const before = await epochs();
    const stranger = world.at('home', 'keys', `release-${APP}`, '1.pem');
    const ended = await world.command.json('kill', APP, '--all', ...REASON, '--key', stranger, '--no-passphrase');
    expect(ended.exitCode).to.equal(77);
    expect(failureOf(ended).code).to.equal('signature-threshold-not-met');
    expect(await epochs()).to.deep.equal(before);
  });

  it('signs an order for a day without time, without any connection, and brings it later', async () => {
    const file = world.at('kill.json');
    const key = ['--key', world.keyOf('ops-1'), '--no-passphrase'];
    const { gateway: listen } = world.command.service.plane.addresses;
    await world.command.stop();
    await world.done('kill', APP, '--host', 'web-1', ...REASON, ...key, '--out', file);
    const bytes = readFileSync(file);
    const again = await world.command.json('kill', APP, '--all', ...REASON, ...key, '--out', file);
    expect(again.exitCode).to.equal(64);
    expect(readFileSync(file).equals(bytes)).to.equal(true);
    await world.command.start({ listen });
    for (const host of world.hosts.values()) await host.stopAgent();
    const other = await world.command.json('kill', 'other', '--order', file);
    expect(failureOf(other).message).to.equal(`order "${file}": it is to kill "${APP}", not "other"`);
    const brought = await world.command.json('kill', APP, '--order', file, '--wait', '1s');
    expect(brought.exitCode).to.equal(69);
    expect(documentOf<Killed>(brought).unreached).to.deep.equal(['web-1']);
  });

  it('names the hosts that it has not reached, and they obey before anything else when they are back', async () => {
    const ended = await world.command.keyturn('kill', APP, '--all', ...REASON, '--wait', '1s');
    expect(ended.exitCode).to.equal(69);
    expect(ended.stdout).to.match(/^web-1 +not reached$/m);
    expect(ended.stdout).to.include('not reached yet: web-1, web-2; they get it before anything else');
    expect(ended.stderr).to.include('sent to 2 hosts; waiting up to 1 s');
    const order = /^kill {3}([0-9a-f]{64})$/m.exec(ended.stdout)?.[1] ?? '';
    const before = await epochs();
    const stopped = new Set<string>();
    const news = world.command.publisher('viewer').client.watchOrder({ order });
    const watching = (async () => {
      for await (const { host, receipt } of news) {
        const text = Buffer.from(JSON.parse(receipt.toString() || '{"payload":""}').payload, 'base64').toString();
        if (text.includes('"stopped"')) stopped.add(host);
      }
    })();
    for (const host of world.hosts.values()) await host.startAgent();
    await watching;
    expect([...stopped].sort()).to.deep.equal(['web-1', 'web-2']);
    expect((await epochs())['web-1']).to.equal((before['web-1'] ?? 0) + 2);
    expect((await epochs())['web-2']).to.equal(1);
  });
});
