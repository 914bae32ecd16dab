/** Every figure of `bench govern`, in the order in which they are shown. */
import type { Figure } from '../measure/figure.ts';
import type { Bench } from './bench.ts';
import { admissionMs } from './figures/admission-ms.ts';
import { admissionVsEd25519 } from './figures/admission-vs-ed25519.ts';
import { killDurable } from './figures/kill-durable.ts';
import { killGone } from './figures/kill-gone.ts';
import { logAppendGrowth } from './figures/log-append-growth.ts';
import { logProofGrowth } from './figures/log-proof-growth.ts';
import { orderAssembly } from './figures/order-assembly.ts';

export const GOVERN_FIGURES: readonly Figure<Bench>[] = [
  admissionMs,
  admissionVsEd25519,
  orderAssembly,
  killDurable,
  killGone,
  logAppendGrowth,
  logProofGrowth,
];
