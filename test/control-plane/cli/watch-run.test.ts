import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { NO_TERMINAL, type Terminal } from '../../../control-plane/cli/terminal.ts';
import { type WatchOptions, watchRun } from '../../../control-plane/cli/watch-run.ts';
import { TransientError } from '../../../shared/errors.ts';
import type { Run, RunUpdate } from '../../../shared/rpc/generated/messages.ts';

const TERMINAL: Terminal = { hasColours: false, isTty: true, columns: 60 };
const ERASE = '\r\u001b[2K';

const RUN: Run = {
  runId: 'run-1',
  host: 'host-1',
  app: 'app',
  version: '1.0',
  phase: 'fetching',
  refusalCode: '',
  createdAtMs: 0,
  entryCount: 0,
  targetPath: 'app/1.0.json',
  statementSha256: '',
  ledgerPublicKey: '',
};
const ENDED: RunUpdate = { news: 'run', run: { ...RUN, refusalCode: 'order-expired' } };

function progress(given: { doneBytes?: number; totalBytes?: number; checkId?: string }): RunUpdate {
  const nothing = { runId: RUN.runId, phase: 'fetching', doneBytes: 0, totalBytes: 0, checkId: '' };
  return { news: 'progress', progress: { ...nothing, ...given } };
}

/** What is written while a control plane tells this. */
async function watched(updates: readonly RunUpdate[], terminal: Terminal): Promise<string> {
  let written = '';
  const options = {
    client: {
      connect: async () => {},
      watchRun: async function* () {
        yield* [{ news: 'run', run: RUN }, ...updates];
      },
    },
    source: {},
    terminal,
    write: (text: string) => {
      written += text;
    },
    until: 'ended',
  };
  await watchRun(RUN.runId, options as unknown as WatchOptions);
  return written;
}

describe('control-plane/cli/watch-run', () => {
  it('shows on a terminal how far the host has received the release, and leaves that as a line', async () => {
    const updates = [
      progress({ doneBytes: 10e6, totalBytes: 60e6 }),
      progress({ doneBytes: 60e6, totalBytes: 60e6 }),
      progress({ checkId: 'g4.received' }),
      ENDED,
    ];
    const lines = (await watched(updates, TERMINAL)).split(ERASE);
    expect(lines[1]).to.equal('G4    receive  10.0 of 60.0 MB, 16 %');
    expect(lines.at(-3)).to.match(/^G4 {4}receive {2}60\.0 MB, 100 %, [\d.]+ MB\/s\n$/);
    expect(lines.at(-2)).to.equal('G4    g4.received               running');
    expect(lines.at(-1)).to.equal('');
  });

  it('writes one line of it where there is no terminal', async () => {
    const updates = [
      ...Array.from({ length: 50 }, (_, index) => progress({ doneBytes: index * 1e6, totalBytes: 60e6 })),
      progress({ doneBytes: 60e6, totalBytes: 60e6 }),
      progress({ checkId: 'g4.received' }),
      ENDED,
    ];
    expect(await watched(updates, NO_TERMINAL)).to.match(/^G4 {4}receive {2}60\.0 MB, 100 %, [\d.]+ MB\/s\n$/);
  });

  it('leaves no half line behind when the run ends in the middle of a check', async () => {
    const written = await watched([progress({ checkId: 'unit' }), ENDED], TERMINAL);
    expect(written.endsWith(ERASE)).to.equal(true);
  });

  it('stays within a narrow terminal', async () => {
    const narrow = { ...TERMINAL, columns: 20 };
    const written = await watched([progress({ checkId: 'a-check-with-a-name-that-is-long' }), ENDED], narrow);
    for (const line of written.split(ERASE)) expect(line.length).to.be.below(20);
  });

  for (const { until, isBrokenOff } of [
    { until: 'ended', isBrokenOff: true },
    { until: 'rolledBack', isBrokenOff: false },
  ] as const) {
    it(`${isBrokenOff ? 'waits no longer than it may for a report' : 'waits for a removal as long as the host takes'}`, async () => {
      let wasAborted: boolean | undefined;
      const options = {
        client: {
          watchRun: async function* (_request: object, { signal }: { signal: AbortSignal }) {
            yield { news: 'run', run: { ...RUN, phase: 'proven' } };
            yield progress({ checkId: 'unit' });
            // Set behind the timer of the watch, and longer than it.
            await setTimeout(5);
            wasAborted = signal.aborted;
            if (wasAborted) throw new TransientError('failed to call watchRun: cancelled');
            yield ENDED;
          },
        },
        source: {},
        terminal: NO_TERMINAL,
        write: () => {},
        until,
        reportMs: 1,
      };
      await watchRun(RUN.runId, options as unknown as WatchOptions);
      expect(wasAborted).to.equal(isBrokenOff);
    });
  }

  it('lets no name that a host made up steer the terminal', async () => {
    const written = await watched([progress({ checkId: '\u001b[2Jevil' }), ENDED], TERMINAL);
    expect(written.replaceAll(ERASE, '')).to.not.match(/\p{Cc}/u);
  });
});
