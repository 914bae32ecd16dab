import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { numberText } from '../../measure/number-text.ts';
import { spreadOf } from '../../measure/statistics.ts';
import type { Bench } from '../bench.ts';
import { changedRounds } from '../changed-files-series.ts';
import { quickNote } from '../scale.ts';

/**
 * Ours: every byte between agent and gateway from the order to `staged`, both ways, with TLS and trust metadata. rsync's: what
 * it says it has sent and received, without ssh around it.
 */
export const changedFilesBytes: Figure<Bench> = {
  name: 'changed-files-bytes',
  title: '20 changed of 5,000 files: bytes on the wire ÷ rsync -az',
  unit: 'ratio',
  target: { is: 'at-most', value: 0.75 },
  measure: async (bench) => {
    const rounds = await changedRounds(bench);
    const content = spreadOf(rounds.map(({ contentBytes }) => contentBytes)).median;
    const changed = spreadOf(rounds.map(({ changedBytes }) => changedBytes)).median;
    return readingOfPairs(
      rounds.map(({ oursBytes, rsyncBytes }) => ({ ours: oursBytes, theirs: rsyncBytes })),
      {
        ours: 'keyturn',
        theirs: 'rsync -az',
        unit: 'B',
        notes: [
          `the changed files have ${numberText(changed)} B; content that the host fetched, by its ledger: ${numberText(content)} B`,
          ...quickNote(bench.scale, `${bench.scale.changed.files} files`),
        ],
      },
    );
  },
};
