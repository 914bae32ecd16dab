/** P3, P4: who asks at the gate's socket, and what is answered. One yes; whatever else is asked, and however, is a no. */
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { GateSocket } from '../../../host-agent/live/gate-socket.ts';
import { type PermitToken, signPermitToken } from '../../../shared/orders/permit-token.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { MINUTE_MS, ProvenWorld } from '../../support/proven-world.ts';
import { StandingHost } from '../../support/standing-host.ts';
import { APP } from '../../support/world-release.ts';

const LIVE = '01JD9QZ5X8M3K7T2B4N6P8R0AA';
const YES = '{"open":true}\n';

describe('the socket of the gate', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let order: Enable;
  let host: StandingHost;
  let running: { isEnding: boolean; end: () => void };

  before(async () => {
    world = await ProvenWorld.start();
    order = await world.order({ entrypoints: ['live', 'bare'] });
  });
  beforeEach(async () => {
    host = new StandingHost(world, undefined);
    expect(await host.enable(order)).to.deep.include({ state: 'open' });
    const { promise: gone, resolve: end } = Promise.withResolvers<void>();
    running = { isEnding: false, end };
    const isEnding = () => running.isEnding;
    host.means.registry.add({ live: LIVE, app: APP, entrypoint: 'live', stop: () => end(), isEnding, gone });
    await host.means.socket.open();
  });
  afterEach(() => host[Symbol.asyncDispose]());
  after(() => world?.[Symbol.asyncDispose]());

  /** As `startLive` makes it, but for what a test changes. */
  function token(change: Partial<PermitToken> = {}, key = host.means.hostKey): string {
    const { facts } = host.means.keeper.permitFor(APP, 'live');
    const honest = { app: APP, live: LIVE, entrypoint: 'live', order: facts.envelope, epoch: facts.epoch };
    const expiresMs = host.means.nowMs() + MINUTE_MS;
    return signPermitToken({ host: host.means.host, ...honest, expiresMs, ...change }, key);
  }

  const line = (permit: string, entrypoint = 'live') => `${JSON.stringify({ permit, entrypoint })}\n`;
  const ask = (question: string | Buffer, path = host.means.socket.path) => answerTo(path, question);

  it('says yes to the permit of what runs, byte for byte', async () => {
    expect(await ask(line(token()))).to.equal(YES);
  });

  it('says yes in however many pieces the question comes', async () => {
    const socket = connect({ path: host.means.socket.path });
    const answer = textOf(socket);
    const [first, ...others] = line(token());
    for (const character of [first ?? '', ...others])
      await new Promise<void>((done) => socket.write(character, () => done()));
    expect(await answer).to.equal(YES);
  });

  /** Each a question, after something may have happened. */
  const NOS: Readonly<Record<string, () => string | Buffer>> = {
    'a permit that somebody else has signed': () => line(token({}, generateKey())),
    'a permit of another host': () => line(token({ host: 'host-2' })),
    'a permit of another live run': () => line(token({ live: '01JD9QZ5X8M3K7T2B4N6P8R0BB' })),
    'a permit of another application': () => line(token({ app: 'another' })),
    'a permit for another entrypoint': () => line(token({ entrypoint: 'bare' })),
    'a permit for the entrypoint, asked for another': () => line(token(), 'bare'),
    'a permit of another order': () => line(token({ order: 'f'.repeat(64) })),
    'a permit of an earlier epoch': () => line(token({ epoch: 7 })),
    'a permit that has expired': () => line(token({ expiresMs: host.means.nowMs() })),
    'a permit after a kill': () => askedBefore(() => host.kill()),
    'a permit after the live run has ended': () => askedBefore(() => running.end()),
    'a permit of a live run that is to end': () =>
      askedBefore(() => {
        running.isEnding = true;
      }),
    'a permit after the lease has lapsed': () => askedBefore(() => host.clock.advance(10 * MINUTE_MS)),
    'a permit after the clock was set back': () =>
      askedBefore(() => {
        host.clockAheadMs = -MINUTE_MS;
      }),
    'a permit whose last letter is another': () => line(`${token().slice(0, -6)}AAAAAA`),
    'half a permit': () => line(token().slice(0, 200)),
    'a permit that is empty': () => line(''),
    'a permit that is a number': () => '{"permit":1,"entrypoint":"live"}\n',
    'an honest question with a member more': () =>
      `${JSON.stringify({ permit: token(), entrypoint: 'live', open: true })}\n`,
    'an honest question without the entrypoint': () => `${JSON.stringify({ permit: token() })}\n`,
    'an honest question in a list': () => `[${line(token()).trim()}]\n`,
    'an honest question twice': () => line(token()).repeat(2),
    'an honest question with a line behind it': () => `${line(token())}more\n`,
    'an honest question with something behind it': () => `${line(token())} `,
    'an empty line': () => '\n',
    null: () => 'null\n',
    'a word': () => 'open\n',
    'bytes that are no text': () => Buffer.from([0xff, 0xfe, 0x00, 0x0a]),
    'a huge line': () => `${' '.repeat(1024 * 1024)}${line(token())}`,
    'a huge line without an end': () => 'x'.repeat(256 * 1024),
    'an object that inherits': () => '{"__proto__":{"permit":"x","entrypoint":"live"}}\n',
  };

  /** The question is made before it happens. */
  function askedBefore(act: () => void): string {
    const question = line(token());
    act();
    return question;
  }

  for (const [what, question] of Object.entries(NOS)) {
    it(`says no to ${what}`, async () => {
      const asked = question();
      await new Promise(setImmediate);
      const answer = await ask(asked);
      expect(answer).to.match(/^\{"open":false,"reason":".+"\}\n$/);
      expect(JSON.parse(answer)).to.have.property('open', false);
    });
  }

  it('has at least thirty ways to ask in vain', () => {
    expect(Object.keys(NOS).length).to.be.at.least(30);
  });

  it('hangs up on who says nothing, or too little for too long, and answers the others meanwhile', async () => {
    const { keeper, registry, hostPublicKey, nowMs, host: name } = host.means;
    const path = `${host.means.socket.path}.2`;
    const socket = new GateSocket({
      path,
      host: name,
      hostPublicKey,
      keeper,
      registry,
      nowMs,
      testOnlyQuestionMs: 150,
    });
    await socket.open();
    const silent = textOf(connect({ path }));
    const slow = connect({ path });
    const slowAnswer = textOf(slow);
    slow.on('error', () => undefined);
    const drip = setInterval(() => slow.write('x'), 20);
    expect(await ask(line(token()), path)).to.equal(YES);
    expect(await Promise.all([silent, slowAnswer])).to.deep.equal(['', '']);
    clearInterval(drip);
    await socket.close();
  });

  it('is not kept by those who say nothing, however many there are', async () => {
    const silent = Array.from({ length: 200 }, () => connect({ path: host.means.socket.path }));
    for (const socket of silent) socket.on('error', () => undefined);
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(line(token()))));
    expect(answers).to.deep.equal(answers.map(() => YES));
    for (const socket of silent) socket.destroy();
  });

  it('closes at once, whoever is still connected', async () => {
    const silent = textOf(connect({ path: host.means.socket.path }));
    expect(await ask(line(token()))).to.equal(YES);
    await host.means.socket.close();
    expect(await silent).to.equal('');
  });

  it('takes the place of one that a killed agent has left, and may be asked by everybody who reaches it', async () => {
    const { keeper, registry, hostPublicKey, nowMs, host: name } = host.means;
    const path = `${host.means.socket.path}.3`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'left');
    const socket = new GateSocket({ path, host: name, hostPublicKey, keeper, registry, nowMs });
    await Promise.all([socket.open(), socket.open()]);
    expect(lstatSync(path).isSocket()).to.equal(true);
    expect(lstatSync(path).mode & 0o777).to.equal(0o666);
    expect(await ask(line(token()), path)).to.equal(YES);
    await socket.close();
  });
});

function answerTo(path: string, question: string | Buffer): Promise<string> {
  const socket = connect({ path });
  socket.write(question);
  return textOf(socket);
}

/** All that comes until the other side hangs up. */
function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve) => {
    socket.once('error', () => resolve(text)); // hung up on in the middle of a long question
    socket.once('close', () => resolve(text));
  });
}
