import type { CarriedError } from './carried-error.ts';
import type { DiskJobName } from './jobs.ts';

export type ToThread =
  | { readonly type: 'run'; readonly id: number; readonly name: DiskJobName; readonly input: unknown }
  | { readonly type: 'abort'; readonly id: number };

export type FromThread =
  | { readonly type: 'done'; readonly id: number; readonly output: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: CarriedError };
