/** N2, P8: what a host acknowledges, it has; what it has not, it did not acknowledge. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { DirectiveLog } from '../../../host-agent/journal/directives.ts';
import { createJournal, type JournalDatabase, openJournal } from '../../../host-agent/journal/journal.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/errors-of.ts';

describe('the log of directives', () => {
  let folder: string;
  let database: JournalDatabase;
  let log: DirectiveLog;
  let heard: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-directives-'));
    database = createJournal(folder);
    log = new DirectiveLog(database);
    heard = 0;
    log.onAccepted(() => {
      heard += 1;
    });
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function directive(seq: number, text = `directive ${seq}`): { seq: number; bytes: Buffer } {
    return { seq, bytes: Buffer.from(text) };
  }

  it('begins at nothing, and counts what it has', () => {
    expect(log.lastSeq()).to.equal(0);
    log.accept(directive(1));
    log.accept(directive(2));
    expect(log.lastSeq()).to.equal(2);
    expect(heard).to.equal(2);
  });

  it('P8: is there after a restart, with what was handled', () => {
    for (const seq of [1, 2, 3]) log.accept(directive(seq));
    log.markHandled(1);
    database.close();
    database = openJournal(folder);
    log = new DirectiveLog(database);
    expect(log.lastSeq()).to.equal(3);
    expect(log.unhandled()).to.deep.equal([directive(2), directive(3)]);
  });

  it('accepts the same directive again without effect, handled or not', () => {
    log.accept(directive(1));
    log.accept(directive(1));
    log.markHandled(1);
    log.accept(directive(1));
    expect(log.unhandled()).to.deep.equal([]);
    expect(heard).to.equal(1);
  });

  const REFUSED: Record<string, { readonly offer: () => { seq: number; bytes: Buffer }; readonly code: string }> = {
    'another directive under a number that is taken': {
      offer: () => directive(1, 'another'),
      code: 'directive-rewritten',
    },
    'a longer one under a number that is taken': {
      offer: () => directive(1, 'directive 1 '),
      code: 'directive-rewritten',
    },
    'one that leaves a gap': { offer: () => directive(3), code: 'directive-out-of-order' },
    'number nought': { offer: () => directive(0), code: 'directive-out-of-order' },
    'a number below nought': { offer: () => directive(-1), code: 'directive-out-of-order' },
    'the largest number there is': { offer: () => directive(Number.MAX_SAFE_INTEGER), code: 'directive-out-of-order' },
    'one that is too large to be kept for good': {
      offer: () => ({ seq: 2, bytes: Buffer.alloc(LIMITS.envelopeBytes + 1) }),
      code: 'directive-too-large',
    },
  };

  it('refuses in at least seven ways', () => {
    expect(Object.keys(REFUSED).length).to.be.at.least(7);
  });

  for (const [title, { offer, code }] of Object.entries(REFUSED)) {
    it(`refuses ${title} (${code}), and nobody is woken for it`, async () => {
      log.accept(directive(1));
      expect(await codeOf(() => log.accept(offer()))).to.equal(code);
      expect(log.unhandled()).to.deep.equal([directive(1)]);
      expect(log.lastSeq()).to.equal(1);
      expect(heard).to.equal(1);
    });
  }

  it('marks a directive once, and none that is not there', () => {
    log.accept(directive(1));
    log.markHandled(1);
    expect(() => log.markHandled(1)).to.throw('directive 1 does not wait to be handled');
    expect(() => log.markHandled(2)).to.throw('directive 2 does not wait to be handled');
  });

  it('P8: forgets the oldest that were handled, never the newest, and never one that waits', () => {
    for (let seq = 1; seq <= 10; seq += 1) log.accept(directive(seq));
    for (const seq of [1, 2, 4, 5, 6, 7, 8, 9, 10]) log.markHandled(seq);
    log.forgetHandled({ keepCount: 4 });
    expect(stored()).to.deep.equal([3, 7, 8, 9, 10]);
    log.forgetHandled({ keepCount: 0 });
    expect(stored()).to.deep.equal([3, 10]);
    expect(log.lastSeq()).to.equal(10);
    expect(log.unhandled()).to.deep.equal([directive(3)]);
    log.accept(directive(11));
  });

  it('P2: a directive that was forgotten is not followed again, whatever is said under its number', async () => {
    for (const seq of [1, 2, 3]) log.accept(directive(seq));
    for (const seq of [1, 2, 3]) log.markHandled(seq);
    log.forgetHandled({ keepCount: 1 });
    for (const offer of [directive(1), directive(2, 'another')]) {
      expect(await codeOf(() => log.accept(offer))).to.equal('directive-out-of-order');
    }
    expect(stored()).to.deep.equal([3]);
    expect(log.unhandled()).to.deep.equal([]);
  });

  function stored(): number[] {
    return database.prepare<[], number>('select seq from directives order by seq').pluck().all();
  }

  it('holds a prefix of what the control plane numbered, whatever comes in which order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 40 }), (offers) => {
        database.exec('delete from directives');
        for (const seq of offers) {
          try {
            log.accept(directive(seq));
          } catch {
            // out of order: refused, as the rows above show
          }
        }
        const held = log.unhandled();
        expect(held).to.deep.equal(Array.from({ length: log.lastSeq() }, (_, index) => directive(index + 1)));
      }),
      { numRuns: 60 },
    );
  });
});
