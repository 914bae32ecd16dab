/** `keyturn enable send`: what each host answers, believed because the host signed it. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { decisionId, parseDecision } from '../../../../shared/orders/decision-request.ts';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { APP, GovernWorld, QUORUM, REASON } from '../../../support/govern-world.ts';

interface Sent {
  readonly order: string;
  readonly hosts: readonly { readonly host: string; readonly answer: string; readonly code?: string }[];
  readonly unanswered: readonly string[];
}

const HOSTS = ['web-1', 'web-2'] as const;

describe('keyturn enable send', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let release: string;
  let admitted: string;
  let files = 0;

  before(async () => {
    world = await GovernWorld.start();
    release = await world.release('1.0');
    await Promise.all(HOSTS.map((name) => world.host(name)));
    const held = await Promise.all(HOSTS.map((host) => world.held(release, host)));
    for (const { run } of held) await world.done('rule', 'proceed', run, ...REASON, ...world.keys(...QUORUM));
    for (const run of held) await world.watch(run);
  });
  after(() => world[Symbol.asyncDispose]());

  const send = (reference: string, ...argv: string[]) => world.command.json('enable', 'send', reference, ...argv);
  const answers = ({ hosts }: Sent) => hosts.map(({ host, answer, code }) => [host, answer, ...(code ? [code] : [])]);

  async function logged(kind: string): Promise<number> {
    const { entries } = await world.done<{ entries: { kind: string }[] }>('audit', 'list');
    return entries.filter((entry) => entry.kind === kind).length;
  }

  async function unsigned(): Promise<string> {
    const file = world.at(`unsigned-${files++}.json`);
    const named = HOSTS.flatMap((host) => ['--host', host]);
    await world.done('enable', 'request', release, ...named, ...REASON, '--out', file);
    return file;
  }

  it('refuses what nobody has signed, and what too few have, before any host hears of it', async () => {
    const file = await unsigned();
    const nobody = await send(file);
    expect(nobody.exitCode).to.equal(64);
    expect(failureOf(nobody)).to.include({
      message: 'nobody has signed it yet',
      hint: 'keyturn approve REQUEST --key FILE',
    });
    await world.done('approve', file, ...world.keys('ops-1'));
    await world.done('approve', file, ...world.keys('sec-1'));
    const few = await send(file);
    expect(few.exitCode).to.equal(77);
    expect(failureOf(few).code).to.equal('quorum-not-met');
    expect(failureOf(few).message).to.include('expected 2 of team "operations", got 1');
    expect(await logged('enable')).to.equal(0);
  });

  it('brings the signatures of a file and those of the inbox together, and tells each answer as it comes', async () => {
    const file = await unsigned();
    const id = decisionId(parseDecision(readFileSync(file)));
    await world.done('approve', file, ...world.keys('ops-1'));
    for (const name of ['ops-2', 'sec-1']) await world.done('approve', id, ...world.keys(name));
    admitted = file;
    const ended = await world.command.keyturn('enable', 'send', file);
    expect(ended.exitCode).to.equal(0);
    expect(ended.stdout).to.match(/^order {2}[0-9a-f]{64}\nweb-1 {2}admitted {2}epoch 0 {2}\d+ ms\nweb-2 {2}admitted/);
    expect(ended.stderr).to.match(/^sent to 2 hosts; waiting up to 30 s for their answers$/m);
    for (const host of HOSTS) expect(ended.stderr).to.match(new RegExp(`^${host} {2}admitted {2}\\d+ ms$`, 'm'));
    expect((await world.command.keyturn('inbox')).stdout).to.match(
      new RegExp(`^${id.slice(0, 12)} +enable +3 signed +sent \\d{4}-`, 'm'),
    );
    expect(await logged('enable')).to.equal(1);
  });

  it('shows that an order opens a gate once', async () => {
    const ended = await send(admitted);
    expect(ended.exitCode).to.equal(77);
    expect(answers(documentOf<Sent>(ended))).to.deep.equal(HOSTS.map((host) => [host, 'refused', 'order-replayed']));
  });

  it('sends an order from the inbox by the beginning of its name', async () => {
    const file = await unsigned();
    const id = decisionId(parseDecision(readFileSync(file)));
    for (const name of QUORUM) await world.done('approve', id, ...world.keys(name));
    const sent = await world.done<Sent>('enable', 'send', id.slice(0, 10));
    expect(answers(sent)).to.deep.equal(HOSTS.map((host) => [host, 'admitted']));
  });

  it('ends with 77 where some follow and some refuse, and says what to do', async () => {
    const file = await world.signedRequest(release, HOSTS);
    await world.done('kill', APP, '--host', 'web-1', ...REASON);
    const ended = await world.command.keyturn('enable', 'send', file);
    expect(ended.exitCode).to.equal(77);
    expect(ended.stdout).to.match(/^web-1 +refused +order-of-another-epoch +\d+ ms$/m);
    expect(ended.stdout).to.match(/^web-2 +admitted/m);
    expect(ended.stdout).to.match(/^hint: order-of-another-epoch: the gate was killed after/m);
  });

  it('ends with 69 and names a host that is away, which follows when it is back', async () => {
    const away = world.hosts.get('web-2');
    const file = await world.signedRequest(release, HOSTS);
    await away?.stopAgent();
    const ended = await send(file, '--wait', '2s');
    expect(ended.exitCode).to.equal(69);
    const sent = documentOf<Sent>(ended);
    expect(sent.unanswered).to.deep.equal(['web-2']);
    expect(answers(sent)).to.deep.equal([
      ['web-1', 'admitted'],
      ['web-2', 'not reached'],
    ]);
    await away?.startAgent();
    const receipts = [];
    for await (const { host, receipt } of world.command.publisher('viewer').client.watchOrder({ order: sent.order }))
      if (receipt.length > 0) receipts.push(host);
    expect(receipts.sort()).to.deep.equal(HOSTS);
  });

  it('takes a request of another kind for what it is', async () => {
    const file = world.at('kill.json');
    const key = ['--key', world.keyOf('ops-1'), '--no-passphrase'];
    await world.done('kill', APP, '--all', ...REASON, ...key, '--out', file);
    const ended = await send(file);
    expect(ended.exitCode).to.equal(64);
    expect(failureOf(ended).message).to.equal('expected a request of kind enable, got one of kind kill');
  });
});
