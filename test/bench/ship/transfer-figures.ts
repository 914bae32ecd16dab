/** The figures of one large file, by size and peer. */
import { type Figure, type Reading, readingOfPairs } from '../measure/figure.ts';
import { numberText } from '../measure/number-text.ts';
import { spreadOf } from '../measure/statistics.ts';
import { wholeMs } from '../peers/file-transfer.ts';
import { PeerMissing } from '../peers/packages.ts';
import type { Bench } from './bench.ts';
import { quickNote } from './scale.ts';
import {
  distantRounds,
  linkBytesPerSecond,
  type TransferRound,
  type TransferSize,
  transferRounds,
} from './transfer-series.ts';

const MB = 1_000_000;

/** Received, verified, durable: Keyturn's `fetching` to `staged` ÷ transfer, digest and sync of the peer. */
export function readingAgainst(
  rounds: readonly TransferRound[],
  { peer, notes }: { peer: 'scp' | 'curl'; notes: readonly string[] },
): Reading {
  const pairs = rounds.map((round) => ({ ours: round.oursMs, transfer: round[peer] ?? missing(peer) }));
  const withoutSync = pairs.map(({ transfer }) => transfer.transferMs + transfer.digestMs);
  return readingOfPairs(
    pairs.map(({ ours, transfer }) => ({ ours, theirs: wholeMs(transfer) })),
    { ours: 'keyturn', theirs: peer, unit: 'ms', notes: [...notes, withoutSyncNote(peer, withoutSync, rounds)] },
  );
}

export function transferFigure(
  size: TransferSize,
  { peer, name, title, target }: { peer: 'scp' | 'curl'; name: string; title: string; target: number },
): Figure<Bench> {
  return {
    name,
    title,
    unit: 'ratio',
    target: { is: 'at-most', value: target },
    measure: async (bench) => readingAgainst(await transferRounds(bench, size), { peer, notes: sizeNote(bench, size) }),
  };
}

/** Over a link of 20 ms round trip. */
export function distantFigure(size: TransferSize, { name, title }: { name: string; title: string }): Figure<Bench> {
  return {
    name,
    title,
    unit: 'ratio',
    target: { is: 'at-most', value: 0.5 },
    measure: async (bench) => {
      const rounds = await distantRounds(bench, size);
      const link = `the delay relay by itself moves ${numberText((await linkBytesPerSecond(bench)) / MB)} MB/s`;
      return readingAgainst(rounds, { peer: 'scp', notes: [...sizeNote(bench, size), link] });
    },
  };
}

/** MB/s of both. */
export function bareStreamFigure(size: TransferSize, { name, title }: { name: string; title: string }): Figure<Bench> {
  return {
    name,
    title,
    unit: 'ratio',
    target: { is: 'at-least', value: 0.5 },
    measure: async (bench) => {
      const rounds = await transferRounds(bench, size);
      const rate = (bytes: number, ms: number) => bytes / MB / (ms / 1000);
      const pairs = rounds.map(({ bytes, oursMs, bareMs }) => ({
        ours: rate(bytes, oursMs),
        theirs: rate(bytes, bareMs ?? missing('openssl')),
      }));
      return readingOfPairs(pairs, {
        ours: 'keyturn',
        theirs: 'bare stream',
        unit: 'MB/s',
        notes: sizeNote(bench, size),
      });
    },
  };
}

function sizeNote({ scale }: Bench, size: TransferSize): string[] {
  return quickNote(scale, `${scale.transferBytes[size] / 2 ** 20} MiB in place of ${size}`);
}

function withoutSyncNote(peer: string, theirsMs: readonly number[], rounds: readonly TransferRound[]): string {
  const ratios = rounds.map(({ oursMs }, index) => oursMs / (theirsMs[index] ?? Number.NaN));
  return `${peer} without its sync: ${numberText(spreadOf(theirsMs).median)} ms, ratio ${numberText(spreadOf(ratios).median)}`;
}

function missing(peer: string): never {
  throw new PeerMissing(`missing: what ${peer} needs, see above`);
}
