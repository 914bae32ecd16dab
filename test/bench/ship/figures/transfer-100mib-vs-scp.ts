import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { transferFigure } from '../transfer-figures.ts';

/** To a host that has nothing of it: received, verified, durable. */
export const transfer100MiBVsScp: Figure<Bench> = transferFigure('100 MiB', {
  name: 'transfer-100mib-vs-scp',
  title: '100 MiB cold ÷ scp + sha256sum',
  peer: 'scp',
  target: 0.33,
});
