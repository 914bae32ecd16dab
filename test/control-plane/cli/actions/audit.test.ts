/** P9: whoever owns the control plane cannot leave out, change, add or rewrite what was decided without `keyturn audit verify` saying so. */
import { rmSync } from 'node:fs';
import { expect } from 'chai';
import type { Store } from '../../../../control-plane/store/schema.ts';
import type { LoggedDocument, TransparencyLog } from '../../../../control-plane/transparency/transparency-log.ts';
import { encodeLogRecord } from '../../../../shared/transparency/log-record.ts';
import { leafHash } from '../../../../shared/transparency/merkle.ts';
import { CommandWorld, documentOf, failureOf } from '../../../support/command-line.ts';

const decision = (number: number): LoggedDocument => ({ kind: 'verdict', document: Buffer.from(`verdict ${number}`) });

describe('keyturn audit', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let log: TransparencyLog;
  let store: Store;
  beforeEach(async () => {
    world = await CommandWorld.started();
    ({ log, store } = world.service.plane);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const verify = () => world.json('audit', 'verify');
  const verified = async () => documentOf<{ size: number; grewFrom?: number; origin: string }>(await verify());

  it('verifies an empty log, and says from where it grew', async () => {
    expect(await verified()).to.deep.include({ size: 0 });
    await log.append([decision(1), decision(2)]);
    expect(await verified()).to.deep.include({ size: 2, grewFrom: 0 });
    await log.append([decision(3)]);
    expect(await verified()).to.deep.include({ size: 3, grewFrom: 2, origin: log.key.name });
    expect((await world.keyturn('audit', 'verify')).stdout).to.match(/entries +3, each where the log says/);
  });

  it('lists what is in it, from where one wants', async () => {
    expect((await world.keyturn('audit', 'list')).stdout).to.equal('nothing was decided yet\n');
    await log.append([decision(1), decision(2), { kind: 'kill', document: Buffer.from('a kill') }]);
    expect((await world.keyturn('audit', 'list')).stdout.trimEnd().split('\n')).to.have.length(3);
    const { entries } = documentOf<{ entries: { index: number; kind: string }[] }>(
      await world.json('audit', 'list', '--first', '1', '--limit', '2'),
    );
    expect(entries.map(({ index, kind }) => [index, kind])).to.deep.equal([
      [1, 'verdict'],
      [2, 'kill'],
    ]);
    expect((await world.keyturn('audit', 'list', '--limit', '0')).exitCode).to.equal(64);
  });

  /** What its owner does to the log of a control plane that somebody has looked at; the answer, and whether it is lasting. */
  const LIES: Readonly<Record<string, readonly [code: string, lie: () => Promise<unknown>]>> = {
    'changes a document': [
      'log-differs',
      () =>
        store
          .updateTable('log_records')
          .set({ document: Buffer.from('another') })
          .where('position', '=', 1)
          .execute(),
    ],
    'calls a verdict a kill': [
      'log-differs',
      () => store.updateTable('log_records').set({ kind: 'kill' }).where('position', '=', 1).execute(),
    ],
    'calls a verdict what there is not': [
      'log-differs',
      () => store.updateTable('log_records').set({ kind: 'rumour' }).where('position', '=', 1).execute(),
    ],
    'takes a document out of the middle': [
      'log-differs',
      () => store.deleteFrom('log_records').where('position', '=', 1).execute(),
    ],
    'takes the newest one away': [
      'log-shorter',
      () => store.deleteFrom('log_records').where('position', '=', 2).execute(),
    ],
    'changes a document and its leaf': [
      'log-differs',
      async () => {
        const hash = leafHash(encodeLogRecord('verdict', Buffer.from('another')));
        await store
          .updateTable('log_records')
          .set({ document: Buffer.from('another') })
          .where('position', '=', 1)
          .execute();
        await store.updateTable('log_nodes').set({ hash }).where('level', '=', 0).where('position', '=', 1).execute();
      },
    ],
    'writes another history of the same length': ['log-inconsistent', () => rewrite([7, 8, 9])],
    'writes another history that is longer': ['log-inconsistent', () => rewrite([7, 8, 9, 10, 11])],
    'writes the same history in another order': ['log-inconsistent', () => rewrite([2, 1, 3])],
    'begins anew': ['log-shorter', () => rewrite([])],
  };

  async function rewrite(numbers: readonly number[]): Promise<void> {
    await store.deleteFrom('log_nodes').execute();
    await store.deleteFrom('log_records').execute();
    await log.append(numbers.map(decision));
  }

  for (const [what, [code, lie]] of Object.entries(LIES)) {
    it(`P9: says ${code} when the control plane ${what}, and goes on saying so`, async () => {
      await log.append([decision(1), decision(2), decision(3)]);
      expect((await verified()).size).to.equal(3);
      await lie();
      for (let time = 0; time < 2; time += 1) {
        const ended = await verify();
        expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, code]);
      }
    });
  }

  it('P9: takes no log but the one that the policy names', async () => {
    await log.append([decision(1)]);
    await world.stop();
    rmSync(world.at('home', 'control-plane', 'log-key.pem'));
    await world.start();
    expect(failureOf(await verify()).code).to.equal('note-unsigned');
  });
});
