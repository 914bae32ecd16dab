import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { transferFigure } from '../transfer-figures.ts';

/** Against the best of the field. */
export const transfer1GiBVsCurl: Figure<Bench> = transferFigure('1 GiB', {
  name: 'transfer-1gib-vs-curl',
  title: '1 GiB cold ÷ curl mTLS nginx + openssl dgst',
  peer: 'curl',
  target: 1.1,
});
