import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { admissions } from '../admission-series.ts';
import type { Bench } from '../bench.ts';

/** The same, beside `crypto.verify` over the three approvals and the signature of the log's checkpoint. */
export const admissionVsEd25519: Figure<Bench> = {
  name: 'admission-vs-ed25519',
  title: 'that judgement ÷ the 4 Ed25519 verifications in it',
  unit: 'ratio',
  target: { is: 'at-most', value: 3 },
  measure: async (bench) => {
    const { rounds } = await admissions(bench);
    const pairs = rounds.map(({ admitMs, verifyMs }) => ({ ours: admitMs, theirs: verifyMs }));
    return readingOfPairs(pairs, { ours: 'admission', theirs: 'bare crypto.verify', unit: 'ms' });
  },
};
