/** P8: the outbox never loses: a report is there until the control plane says that it has it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { createJournal, type JournalDatabase, openJournal } from '../../../host-agent/journal/journal.ts';
import { JournalOutbox } from '../../../host-agent/journal/outbox.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { codeOf } from '../../support/errors-of.ts';

describe('the outbox', () => {
  let folder: string;
  let database: JournalDatabase;
  let outbox: JournalOutbox;
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock(0);
    folder = mkdtempSync(join(tmpdir(), 'keyturn-outbox-'));
    database = createJournal(folder);
    outbox = new JournalOutbox(database, clock);
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function append(...texts: string[]): void {
    for (const text of texts) outbox.append(Buffer.from(text));
  }
  function pending(after = 0): string[] {
    return outbox.pendingAfter(after, 100).map(({ id, bytes }) => `${id} ${bytes}`);
  }
  /** As when the agent is killed: what was only acknowledged is not durable. */
  function restart(): void {
    database.close();
    database = openJournal(folder);
    outbox = new JournalOutbox(database, clock);
  }
  function stored(): number[] {
    return database.prepare<[], number>('select id from outbox order by id').pluck().all();
  }

  it('gives reports in their order, from behind an id, as many as are asked for', () => {
    append('a', 'b', 'c');
    expect(pending()).to.deep.equal(['1 a', '2 b', '3 c']);
    expect(pending(2)).to.deep.equal(['3 c']);
    expect(outbox.pendingAfter(0, 2)).to.have.length(2);
  });

  it('forgets what is acknowledged, and nothing behind it; twice is as good as once', () => {
    append('a', 'b', 'c');
    outbox.acknowledge(2);
    outbox.acknowledge(2);
    outbox.acknowledge(1);
    outbox.acknowledge(0);
    expect(pending()).to.deep.equal(['3 c']);
  });

  it('P8: never gives an id twice, also after a restart with nothing left', () => {
    append('a', 'b');
    outbox.acknowledge(2);
    outbox.forgetAcknowledged();
    restart();
    append('c');
    expect(pending()).to.deep.equal(['3 c']);
  });

  it('P8: an acknowledgement of what was never sent is refused, and forgets nothing', async () => {
    expect(await codeOf(() => outbox.acknowledge(1))).to.equal('acknowledgement-unfounded');
    append('a', 'b');
    for (const id of [3, 57, Number.MAX_SAFE_INTEGER]) {
      expect(await codeOf(() => outbox.acknowledge(id))).to.equal('acknowledgement-unfounded');
    }
    expect(pending()).to.deep.equal(['1 a', '2 b']);
    outbox.acknowledge(2);
    restart();
    expect(await codeOf(() => outbox.acknowledge(3))).to.equal('acknowledgement-unfounded');
    outbox.acknowledge(2);
  });

  it('writes nothing for an acknowledgement by itself: the next report takes the rows with it', () => {
    append('a', 'b', 'c');
    outbox.acknowledge(1);
    outbox.acknowledge(2);
    expect(stored()).to.deep.equal([1, 2, 3]);
    append('d');
    expect(stored()).to.deep.equal([3, 4]);
  });

  it('forgets within a second on a host that reports nothing more, and only then', () => {
    append('a', 'b');
    outbox.acknowledge(1);
    outbox.acknowledge(2);
    expect(clock.pendingMs()).to.have.length(1);
    clock.advance(1000);
    expect(stored()).to.deep.equal([]);
    expect(clock.pendingMs()).to.deep.equal([]);
  });

  it('P8: an acknowledgement that a crash has lost is taken again', () => {
    append('a', 'b');
    outbox.acknowledge(1);
    restart();
    expect(pending()).to.deep.equal(['1 a', '2 b']);
    outbox.acknowledge(1);
    outbox.forgetAcknowledged();
    restart();
    expect(pending()).to.deep.equal(['2 b']);
  });

  it('P8: rows that went with a transaction are there again when it is undone, and go with the next', () => {
    append('a');
    outbox.acknowledge(1);
    const failing = database.transaction(() => {
      append('b');
      throw new Error('the fact did not come about');
    });
    expect(failing).to.throw('the fact did not come about');
    expect(stored()).to.deep.equal([1]);
    append('c');
    expect(stored()).to.deep.equal([2]);
  });

  it('says nothing when the time to forget comes after the journal was closed, or its disk is read-only', () => {
    append('a');
    outbox.acknowledge(1);
    database.pragma('query_only = 1');
    clock.advance(1000);
    expect(stored()).to.deep.equal([1]);
    database.pragma('query_only = 0');
    append('b');
    outbox.acknowledge(2);
    database.close();
    clock.advance(1000);
    database = openJournal(folder);
    expect(stored()).to.deep.equal([2]);
  });

  it('a report goes with the transaction that it reports', () => {
    const failing = database.transaction(() => {
      append('a');
      throw new Error('the fact did not come about');
    });
    expect(failing).to.throw('the fact did not come about');
    expect(pending()).to.deep.equal([]);
  });

  it('wakes those who listen, and only those who still do', () => {
    const woken: string[] = [];
    const stop = outbox.onAppend(() => woken.push('one'));
    outbox.onAppend(() => woken.push('two'));
    outbox.announce();
    stop();
    outbox.announce();
    expect(woken).to.deep.equal(['one', 'two', 'two']);
  });

  it('P8: whatever is appended, acknowledged and restarted, what was not acknowledged is there, in order', () => {
    const step = fc.oneof(
      fc.constant({ do: 'append' } as const),
      fc.record({ do: fc.constant('acknowledge' as const), back: fc.nat(5) }),
      fc.constant({ do: 'restart' } as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        outbox.acknowledge(pendingIds().at(-1) ?? 0);
        let expected: string[] = [];
        for (const what of steps) {
          if (what.do === 'append') {
            append('x');
            expected.push(pending().at(-1) ?? '');
          } else if (what.do === 'acknowledge') {
            const upTo = pendingIds().at(-1 - what.back) ?? 0;
            outbox.acknowledge(upTo);
            expected = expected.filter((row) => Number(row.split(' ')[0]) > upTo);
          } else {
            // One that was lost is only said again.
            const first = stored()[0] ?? 0;
            restart();
            expect(pendingIds()[0] ?? 0).to.equal(first);
            outbox.acknowledge(Number(expected[0]?.split(' ')[0] ?? (pendingIds().at(-1) ?? 0) + 1) - 1);
          }
          expect(pending()).to.deep.equal(expected);
        }
      }),
      { numRuns: 40 },
    );
  });

  function pendingIds(): number[] {
    return outbox.pendingAfter(0, 1000).map(({ id }) => id);
  }
});
