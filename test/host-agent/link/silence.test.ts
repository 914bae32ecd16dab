/** A peer that says nothing holds nobody up for longer than the limit; one that goes on saying something may take its time. */
import { expect } from 'chai';

import { untilSilent } from '../../../host-agent/link/silence.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { codeOf } from '../../support/rejection-of.ts';

const ALMOST_MS = LIMITS.streamIdleMs - 1;

describe('host-agent/link/silence', () => {
  let clock: FakeClock;
  let stopping: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    stopping = new AbortController();
  });
  afterEach(() => expect(clock.pendingMs()).to.deep.equal([]));

  /** A call that gives a piece of so many bytes after each wait, and ends with its signal as a real one does. */
  async function* call(signal: AbortSignal, pieces: readonly { afterMs: number; bytes: number }[]) {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new RejectedError('call-cancelled', 'cancelled')));
    });
    aborted.catch(() => undefined);
    for (const { afterMs, bytes } of pieces) {
      await Promise.race([aborted, new Promise<void>((resolve) => clock.setTimer(afterMs, resolve))]);
      yield bytes;
    }
    await aborted;
  }

  /** What came until the call was ended, and why it was. */
  async function read(pieces: readonly { afterMs: number; bytes: number }[]): Promise<{ got: number[]; end: string }> {
    const got: number[] = [];
    const reading = codeOf(
      (async () => {
        const open = (signal: AbortSignal) => call(signal, pieces);
        for await (const bytes of untilSilent(open, { clock, signal: stopping.signal, bytesOf: (piece) => piece })) {
          got.push(bytes);
        }
      })(),
    );
    let end: string | undefined;
    reading.then((code) => {
      end = code;
    });
    for (let turn = 0; end === undefined; turn += 1) {
      expect(turn, 'it ends').to.be.below(1000);
      await new Promise(setImmediate);
      clock.advance(Math.min(...clock.pendingMs().filter((ms) => ms > 0), LIMITS.streamIdleMs));
    }
    return { got, end };
  }

  const STORIES = {
    'nothing at all': { pieces: [], got: [] },
    'one piece, then nothing': { pieces: [{ afterMs: 0, bytes: 5 }], got: [5] },
    'nothing but empty pieces': { pieces: Array(20).fill({ afterMs: ALMOST_MS / 4, bytes: 0 }), got: [0, 0, 0, 0] },
    'a byte in time, again and again, then nothing': {
      pieces: Array(20).fill({ afterMs: ALMOST_MS, bytes: 1 }),
      got: Array(20).fill(1),
    },
  };

  it('has a story for each way to be silent', () => expect(Object.keys(STORIES)).to.have.length(4));

  for (const [title, { pieces, got }] of Object.entries(STORIES)) {
    it(`gives what came, and a transient error after the silence: ${title}`, async () => {
      expect(await read(pieces)).to.deep.equal({ got, end: 'transient' });
    });
  }

  it('does not count what the reader takes for a piece', async () => {
    const open = (signal: AbortSignal) => call(signal, [{ afterMs: 0, bytes: 1 }]);
    const reading = untilSilent(open, { clock, signal: stopping.signal, bytesOf: (piece) => piece });
    const first = reading.next();
    await clock.whenPending(2);
    clock.advance(0);
    expect((await first).value).to.equal(1);
    expect(clock.pendingMs()).to.deep.equal([]);
    await reading.return(undefined);
  });

  it("gives the call's own error when its reader stops it", async () => {
    const open = (signal: AbortSignal) => call(signal, []);
    const reading = untilSilent(open, { clock, signal: stopping.signal, bytesOf: (piece) => piece }).next();
    stopping.abort();
    expect(await codeOf(reading)).to.equal('call-cancelled');
  });
});
