import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { distantFigure } from '../transfer-figures.ts';

/** Both through a relay that holds every byte back for 10 ms each way and limits nothing else. */
export const distant1GiBVsScp: Figure<Bench> = distantFigure('1 GiB', {
  name: 'distant-1gib-vs-scp',
  title: '1 GiB over 20 ms ÷ scp',
});
