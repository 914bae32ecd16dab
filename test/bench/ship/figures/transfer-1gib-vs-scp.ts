import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { transferFigure } from '../transfer-figures.ts';

/** To a host that has nothing of it: received, verified, durable. */
export const transfer1GiBVsScp: Figure<Bench> = transferFigure('1 GiB', {
  name: 'transfer-1gib-vs-scp',
  title: '1 GiB cold ÷ scp + sha256sum',
  peer: 'scp',
  target: 0.33,
});
