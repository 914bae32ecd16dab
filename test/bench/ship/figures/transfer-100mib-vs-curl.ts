import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { transferFigure } from '../transfer-figures.ts';

/** Against the best of the field. */
export const transfer100MiBVsCurl: Figure<Bench> = transferFigure('100 MiB', {
  name: 'transfer-100mib-vs-curl',
  title: '100 MiB cold ÷ curl mTLS nginx + openssl dgst',
  peer: 'curl',
  target: 1.1,
});
