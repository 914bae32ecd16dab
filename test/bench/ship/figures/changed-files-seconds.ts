import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { numberText } from '../../measure/number-text.ts';
import { spreadOf } from '../../measure/statistics.ts';
import type { Bench } from '../bench.ts';
import { changedRounds } from '../changed-files-series.ts';
import { quickNote } from '../scale.ts';

/** Until the whole new tree stands beside the old one, verified and durable: `fetching` to `staged`. */
export const changedFilesSeconds: Figure<Bench> = {
  name: 'changed-files-seconds',
  title: '20 changed of 5,000 files: time ÷ rsync --link-dest + sha256sum',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.5 },
  measure: async (bench) => {
    const rounds = await changedRounds(bench);
    const withoutSync = spreadOf(rounds.map(({ rsync }) => rsync.transferMs + rsync.digestMs)).median;
    return readingOfPairs(
      rounds.map(({ oursMs, rsync }) => ({
        ours: oursMs,
        theirs: rsync.transferMs + rsync.digestMs + rsync.syncMs,
      })),
      {
        ours: 'keyturn',
        theirs: 'rsync',
        unit: 'ms',
        notes: [
          `rsync without its sync: ${numberText(withoutSync)} ms; its unchanged files are hard links, ours are files of their own`,
          ...quickNote(bench.scale, `${bench.scale.changed.files} files`),
        ],
      },
    );
  },
};
