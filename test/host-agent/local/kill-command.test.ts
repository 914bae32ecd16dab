/** P4: `keyturn-agent kill`, as a program: beside an agent that runs, beside none, and beside one that dies in the middle. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { ended, HOST, HostPlace, stopped } from './host-place.ts';

/** Where a kill can be cut short, and whether its acknowledgement may have been heard by then. */
const BOUNDARIES: Readonly<Record<string, { readonly isDurable: boolean; readonly isHeard: boolean }>> = {
  'host kill before it is durable': { isDurable: false, isHeard: false },
  'host kill in its transaction': { isDurable: false, isHeard: false },
  'host kill durable': { isDurable: true, isHeard: false },
  'said killed': { isDurable: true, isHeard: true },
  'said stopped': { isDurable: true, isHeard: true },
  'before it is told as killed': { isDurable: true, isHeard: true },
  'told as killed': { isDurable: true, isHeard: true },
  'before it is told as stopped': { isDurable: true, isHeard: true },
  'told as stopped': { isDurable: true, isHeard: true },
};

describe('keyturn-agent kill', function () {
  this.timeout(60_000);
  let place: HostPlace;
  beforeEach(() => {
    place = new HostPlace(['alpha', 'beta']);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  /** Exactly once each, in that order. */
  function expectToldOnce(app: string): void {
    const answers = place.told().filter(({ receipt }) => receipt.app === app);
    expect(answers.map(({ receipt }) => receipt.answer)).to.deep.equal(['killed', 'stopped']);
    for (const { record } of answers) expect(record).to.deep.include({ from: 'host', app, hosts: [HOST] });
  }

  describe('while no agent runs', () => {
    it('closes the gate, raises its epoch, and leaves a record and two signed answers for the control plane', async () => {
      const { code, stdout } = await place.command(['kill', 'alpha', '--reason', 'smoke in the room'], {
        env: { SUDO_USER: 'anna' },
      });
      expect(code).to.equal(0);
      expect(stdout).to.match(/^alpha {2}epoch 1 {2}durable \d+ ms {2}nothing runs \d+ ms\n$/);
      expect(place.gate('alpha')).to.deep.include({ state: 'closed', epoch: 1, reason: 'killed: smoke in the room' });
      expect(place.gate('beta').epoch).to.equal(0);
      expectToldOnce('alpha');
      const [first] = place.told();
      expect(first?.record).to.deep.include({ reason: 'smoke in the room', by: 'root (anna by sudo)' });
      expect(first?.receipt.epoch).to.equal(1);
      expect(place.untoldCount()).to.equal(0);
    });

    it('closes every gate that the host knows when none is named, and says so in one document', async () => {
      const { code, stdout } = await place.command(['kill', '--reason', 'all of it', '--json']);
      expect(code).to.equal(0);
      const { killed } = JSON.parse(stdout);
      expect(killed.map(({ app, epoch }: { app: string; epoch: number }) => [app, epoch])).to.deep.equal([
        ['alpha', 1],
        ['beta', 1],
      ]);
      for (const app of ['alpha', 'beta']) expectToldOnce(app);
    });

    it('kills again when it is asked again: each is an epoch and a record of its own', async () => {
      for (const reason of ['one', 'two']) await place.command(['kill', 'alpha', '--reason', reason]);
      expect(place.gate('alpha').epoch).to.equal(2);
      const reasons = place.told().map(({ record, receipt }) => [record.reason, receipt.answer, receipt.epoch]);
      expect(reasons).to.deep.equal([
        ['one', 'killed', 1],
        ['one', 'stopped', 1],
        ['two', 'killed', 2],
        ['two', 'stopped', 2],
      ]);
    });

    it('closes the gate also where the key of the host is gone: it is told once there is one again', async () => {
      rmSync(join(place.state, 'identity', 'ledger-key.pem'));
      expect((await place.command(['kill', 'alpha', '--reason', 'x'])).code).to.equal(0);
      expect(place.gate('alpha').epoch).to.equal(1);
      expect(place.untoldCount()).to.equal(1);
      expect(place.told()).to.deep.equal([]);
    });

    it('closes the others where one gate cannot be read, and says which it could not', async () => {
      const journal = new Database(join(place.state, 'journal.sqlite'));
      journal.prepare("update gate_states set state = 'rust' where app = 'alpha'").run();
      journal.close();
      const { code, stdout } = await place.command(['kill', '--reason', 'x']);
      expect(code).to.equal(77);
      expect(stdout).to.match(/^alpha {2}not killed: .*\[gate-state-unknown\]\nbeta {2}epoch 1 /);
      expectToldOnce('beta');
    });

    it('is refused where the journal cannot be read, and says what closes the gates all the same', async () => {
      writeFileSync(join(place.state, 'journal.sqlite'), 'lost+found '.repeat(1000));
      const { code, stderr } = await place.command(['kill', '--reason', 'x']);
      expect(code).to.equal(77);
      expect(stderr).to.match(/\[journal-corrupt\]\nhint: execution stays closed/);
    });
  });

  describe('while an agent runs', () => {
    it('is done by the agent, which tells it by itself', async () => {
      await place.startAgent();
      const { code, stdout } = await place.command(['kill', 'alpha', '--reason', 'smoke']);
      expect(code).to.equal(0);
      expect(stdout).to.match(/^alpha {2}epoch 1 {2}durable/);
      expect(place.gate('alpha').epoch).to.equal(1);
      await place.when(() => place.untoldCount() === 0);
      expectToldOnce('alpha');
    });

    it('is done all the same where the socket is of an agent that was killed', async () => {
      await stopped(await place.startAgent(), 'SIGKILL');
      expect((await place.command(['kill', '--reason', 'x'])).code).to.equal(0);
      expect(place.gate('beta').epoch).to.equal(1);
    });

    it('is in the way where an agent runs that does not listen, and names the file that is obeyed all the same', async () => {
      await place.startAgent();
      rmSync(place.socket);
      const { code, stderr } = await place.command(['kill', '--reason', 'x']);
      expect(code).to.equal(69);
      expect(stderr).to.include(`hint: make the file ${place.killFile}`);
      writeFileSync(place.killFile, '');
      await place.when(() => place.gate('alpha').epoch === 1);
    });
  });

  const WRONG: Readonly<Record<string, { words: readonly string[]; code: number; says: RegExp }>> = {
    'an application that the host never had': {
      words: ['kill', 'alhpa', '--reason', 'x'],
      code: 77,
      says: /\[app-unknown\]\nhint: it knows alpha, beta\n$/,
    },
    'a name that none can have': { words: ['kill', '../alpha', '--reason', 'x'], code: 64, says: /expected a name/ },
    'no reason': { words: ['kill', 'alpha'], code: 64, says: /--reason/ },
    'an empty reason': { words: ['kill', 'alpha', '--reason', ''], code: 64, says: /reason of 1 to 2000/ },
    'a reason that is too long': {
      words: ['kill', '--reason', 'x'.repeat(2001)],
      code: 64,
      says: /reason of 1 to 2000/,
    },
    'two applications': { words: ['kill', 'alpha', 'beta', '--reason', 'x'], code: 64, says: /too many arguments/ },
  };
  for (const [what, { words, code, says }] of Object.entries(WRONG)) {
    it(`kills nothing for ${what}, with an agent and without`, async () => {
      const without = await place.command(words);
      await place.startAgent();
      for (const end of [without, await place.command(words)]) {
        expect(end.code).to.equal(code);
        expect(end.stderr).to.match(says);
      }
      expect([place.gate('alpha').epoch, place.gate('beta').epoch, place.untoldCount()]).to.deep.equal([0, 0, 0]);
    });
  }

  it('is cut short at nine boundaries', () => {
    expect(Object.keys(BOUNDARIES)).to.have.length(9);
  });

  for (const [boundary, { isDurable, isHeard }] of Object.entries(BOUNDARIES)) {
    it(`P8: forgets no kill and tells it once when the agent dies at "${boundary}"`, async () => {
      const agent = await place.startAgentUntil(boundary);
      const died = ended(agent);
      const { stdout } = await place.command(['kill', 'alpha', '--reason', 'smoke', '--json']);
      expect((await died).signal).to.equal('SIGKILL');
      // Where the dying agent has said nothing, the command has killed by itself, and perhaps once more.
      const epoch = isDurable && !isHeard ? 2 : 1;
      expect(JSON.parse(stdout).killed[0]).to.deep.include({ app: 'alpha', epoch });
      expect(place.gate('alpha').epoch, 'an acknowledged kill is durable').to.equal(epoch);
      await place.startAgent();
      await place.when(() => place.untoldCount() === 0);
      expect(place.gate('alpha').epoch).to.equal(epoch);
      const answers = place.told().map(({ receipt }) => receipt.answer);
      expect(answers.sort()).to.deep.equal([...Array(epoch).fill('killed'), ...Array(epoch).fill('stopped')]);
    });

    it(`P8: forgets no kill and tells it once when the command dies at "${boundary}", with no agent there`, async () => {
      const { signal, stdout } = await place.killUntil(boundary, 'alpha');
      expect(signal).to.equal('SIGKILL');
      expect(stdout.includes('killed')).to.equal(isHeard);
      expect(place.gate('alpha').epoch).to.equal(isDurable ? 1 : 0);
      await place.startAgent();
      await place.when(() => place.untoldCount() === 0);
      if (isDurable) expectToldOnce('alpha');
      else expect(place.told()).to.deep.equal([]);
    });
  }
});
