import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { bareStreamFigure } from '../transfer-figures.ts';

/** What Keyturn moves, verified and durable, of what this runtime moves when it does nothing else. */
export const transfer100MiBVsBareStream: Figure<Bench> = bareStreamFigure('100 MiB', {
  name: 'transfer-100mib-vs-bare-stream',
  title: '100 MiB MB/s ÷ bare mTLS stream of Node',
});
