import type { Figure } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { bareStreamFigure } from '../transfer-figures.ts';

/** What Keyturn moves, verified and durable, of what this runtime moves when it does nothing else. */
export const transfer1GiBVsBareStream: Figure<Bench> = bareStreamFigure('1 GiB', {
  name: 'transfer-1gib-vs-bare-stream',
  title: '1 GiB MB/s ÷ bare mTLS stream of Node',
});
