import { expect } from 'chai';
import { RejectedError, TransientError } from '../../../../shared/errors.ts';
import {
  countOf,
  type Diagnosis,
  EXAMINATION_MS,
  type Examination,
  examineAll,
} from '../../../../shared/service/doctor/examination.ts';
import { FakeClock } from '../../../../shared/time/fake-clock.ts';

const FINE: Diagnosis = { level: 'ok', statement: 'it is there' };

function named(name: string, examine: Awaited<ReturnType<Examination<string>['load']>>): Examination<string> {
  return { name, load: async () => examine };
}

describe('examineAll', () => {
  it('gives each examination the context and keeps their order, whichever ends first', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const examinations = [
      named('slow', async (context) => {
        await promise;
        return [{ level: 'ok', statement: context }];
      }),
      named('quick', () => {
        resolve();
        return [FINE];
      }),
    ];
    expect(await examineAll(examinations, 'here')).to.deep.equal([
      { name: 'slow', diagnoses: [{ level: 'ok', statement: 'here' }] },
      { name: 'quick', diagnoses: [FINE] },
    ]);
  });

  const FAILURES: readonly (readonly [string, Examination<string>, string])[] = [
    [
      'throws at once',
      named('x', () => {
        throw new Error('no such disk');
      }),
      'no such disk',
    ],
    [
      'rejects',
      named('x', async () => {
        throw new TransientError('the disk is full');
      }),
      'the disk is full',
    ],
    [
      'is refused with a hint',
      named('x', async () => {
        throw new RejectedError('home-missing', 'there is no home', { hint: 'make one' });
      }),
      'there is no home (make one)',
    ],
    [
      'throws what is no error',
      named('x', () => {
        throw 'a word';
      }),
      'a word',
    ],
    [
      'cannot be loaded',
      { name: 'x', load: () => Promise.reject(new Error('the addon is of another system')) },
      'the addon is of another system',
    ],
  ];
  it('is tried with at least five failures', () => expect(FAILURES).to.have.length.of.at.least(5));
  for (const [title, failing, statement] of FAILURES) {
    it(`makes trouble of an examination that ${title}, and examines the rest`, async () => {
      const examined = await examineAll([failing, named('next', () => [FINE])], 'here');
      expect(examined).to.deep.equal([
        { name: 'x', diagnoses: [{ level: 'trouble', statement }] },
        { name: 'next', diagnoses: [FINE] },
      ]);
    });
  }

  it('bounds each by two seconds, tells it so, and does not hear what it says later', async () => {
    const clock = new FakeClock(0);
    const begun = Promise.withResolvers<AbortSignal>();
    const late = Promise.withResolvers<readonly Diagnosis[]>();
    const endless = named('endless', (_context, signal) => {
      begun.resolve(signal);
      return late.promise;
    });
    const examined = examineAll([endless, named('next', () => [FINE])], 'here', { clock });
    const signal = await begun.promise;
    clock.advance(EXAMINATION_MS - 1);
    expect(signal.aborted).to.equal(false);
    clock.advance(1);
    expect(signal.aborted).to.equal(true);
    late.reject(new Error('too late'));
    const [first, second] = await examined;
    expect(EXAMINATION_MS).to.equal(2_000);
    expect(first?.diagnoses).to.deep.equal([{ level: 'trouble', statement: 'not examined to the end within 2000 ms' }]);
    expect(second?.diagnoses).to.deep.equal([FINE]);
  });

  it('begins the time when the code is loaded', async () => {
    const clock = new FakeClock(0);
    const code = Promise.withResolvers<() => readonly Diagnosis[]>();
    const examined = examineAll([{ name: 'big', load: () => code.promise }], 'here', { clock });
    clock.advance(10 * EXAMINATION_MS);
    code.resolve(() => [FINE]);
    expect(await examined).to.deep.equal([{ name: 'big', diagnoses: [FINE] }]);
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock(0);
    await examineAll([named('quick', () => [FINE])], 'here', { clock });
    expect(clock.pendingMs()).to.deep.equal([]);
  });

  it('counts a level over all of them', () => {
    const examined = [
      { name: 'a', diagnoses: [FINE, { level: 'warning', statement: 'soon' } as const] },
      { name: 'b', diagnoses: [{ level: 'warning', statement: 'late' } as const] },
    ];
    expect(countOf(examined, 'warning')).to.equal(2);
    expect(countOf(examined, 'trouble')).to.equal(0);
  });
});
