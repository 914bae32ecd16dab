/** P4: the file KILL, before real agents: each one is obeyed once by each application, whatever it is and whenever it came. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { GateStore } from '../../../host-agent/gate/gate-store.ts';
import { FIRST_STATE } from '../../../host-agent/gate/machine.ts';
import { killFileAt } from '../../../host-agent/local/kill-file.ts';
import { checkNoKillFile } from '../../../host-agent/orders/judge-enable.ts';
import { HostPlace, stopped } from './host-place.ts';

/** What may stand there by that name. */
const FORMS: Readonly<Record<string, (path: string) => void>> = {
  'an empty file': (path) => writeFileSync(path, ''),
  'a file that nobody may read': (path) => {
    writeFileSync(path, 'why');
    chmodSync(path, 0);
  },
  'a folder': (path) => mkdirSync(path),
  'a link to nowhere': (path) => symlinkSync('/nowhere', path),
  'a link to itself': (path) => symlinkSync(path, path),
};

describe('the file KILL', function () {
  this.timeout(60_000);
  let place: HostPlace;
  beforeEach(() => {
    place = new HostPlace(['alpha', 'beta']);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const epochs = (): number[] => ['alpha', 'beta'].map((app) => place.gate(app).epoch);
  const told = (): boolean => place.untoldCount() === 0 && place.told().length > 0;

  it('has a row for each form', () => {
    expect(Object.keys(FORMS)).to.have.length(5);
  });

  for (const [form, make] of Object.entries(FORMS)) {
    it(`is obeyed by an idle agent at once, and told, where it is ${form}`, async () => {
      await place.startAgent();
      make(place.killFile);
      await place.when(told);
      expect(epochs()).to.deep.equal([1, 1]);
      const records = place.told().map(({ record, receipt }) => [record.app, record.by, receipt.answer]);
      expect(records.sort()).to.deep.equal([
        ['alpha', 'file KILL', 'killed'],
        ['alpha', 'file KILL', 'stopped'],
        ['beta', 'file KILL', 'killed'],
        ['beta', 'file KILL', 'stopped'],
      ]);
    });

    it(`is obeyed by the next agent, once, where it is ${form} and was made while none ran`, async () => {
      make(place.killFile);
      for (let start = 1; start <= 3; start += 1) {
        const agent = await place.startAgent();
        expect(epochs(), 'before anything is said to be ready').to.deep.equal([1, 1]);
        await stopped(agent, start === 2 ? 'SIGKILL' : 'SIGTERM');
      }
      expect(epochs()).to.deep.equal([1, 1]);
    });

    it(`lets nothing be enabled while it is ${form}`, () => {
      expect(() => checkNoKillFile(place.killFile)).to.not.throw();
      make(place.killFile);
      expect(() => checkNoKillFile(place.killFile)).to.throw(/refused to open the gate/);
    });
  }

  it('is one file however often it is written to or touched, and another one when it is made again', async () => {
    await place.startAgent();
    writeFileSync(place.killFile, '');
    await place.when(() => epochs().every((epoch) => epoch === 1));
    writeFileSync(place.killFile, 'because');
    utimesSync(place.killFile, 1, 1);
    rmSync(place.killFile);
    writeFileSync(place.killFile, '');
    await place.when(() => epochs().every((epoch) => epoch === 2));
    await place.when(told);
    expect(epochs()).to.deep.equal([2, 2]);
  });

  it('was there also where it is gone before anybody has looked', async () => {
    await place.startAgent();
    writeFileSync(place.killFile, '');
    rmSync(place.killFile);
    await place.when(told);
    expect(epochs()).to.deep.equal([1, 1]);
  });

  it('is obeyed by an application that comes while it is there', async () => {
    writeFileSync(place.killFile, '');
    const agent = await place.startAgent();
    await stopped(agent);
    const journal = new Database(join(place.state, 'journal.sqlite'));
    new GateStore(journal).save('gamma', FIRST_STATE);
    journal.close();
    await place.startAgent();
    expect([...epochs(), place.gate('gamma').epoch]).to.deep.equal([1, 1, 1]);
  });

  it('counts as there where nobody can tell', () => {
    const loop = join(place.folder, 'loop');
    symlinkSync(loop, loop);
    expect(killFileAt(join(loop, 'KILL'))).to.equal('not to be told: ELOOP');
    expect(killFileAt(place.killFile)).to.equal(undefined);
  });

  it('does not keep an idle agent from stopping, nor another one from starting', async () => {
    const agent = await place.startAgent();
    writeFileSync(place.killFile, '');
    await place.when(told);
    await stopped(agent);
    expect(agent.exitCode).to.equal(0);
    await place.startAgent();
  });
});
