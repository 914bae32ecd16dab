import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { distantFigure } from '../transfer-figures.ts';

/** Both through a relay that holds every byte back for 10 ms each way and limits nothing else. */
export const distant100MiBVsScp: Figure<Bench> = distantFigure('100 MiB', {
  name: 'distant-100mib-vs-scp',
  title: '100 MiB over 20 ms ÷ scp',
});
