/** The state of a run as text in the journal: what is read back is exactly what the machine can have written. */
import { z } from 'zod';
import { RejectedError } from '../../shared/errors.ts';
import { RUN_PHASES } from '../../shared/ledger/entry.ts';
import { STATUSES } from '../../shared/ledger/status.ts';
import type { RunState } from './machine.ts';

const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('observe'), check: z.string(), gate: z.string() }),
  z.strictObject({ do: z.enum(['receive', 'stage', 'promote', 'remove', 'tidy']) }),
  z.strictObject({ do: z.literal('enter'), phase: z.enum(RUN_PHASES), reason: z.string() }),
]);

const schema = z.strictObject({
  phase: z.enum(RUN_PHASES),
  remaining: z.array(step),
  statuses: z.array(z.strictObject({ check: z.string(), gate: z.string(), status: z.enum(STATUSES) })),
  isPromoted: z.boolean(),
  isReported: z.boolean(),
});

/** Errors: `RejectedError('journal-corrupt')`. */
export function parseRunState(text: string): RunState {
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new RejectedError(
    'journal-corrupt',
    `failed to read the state of a run in the journal: ${z.prettifyError(parsed.error)}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it, and says of what it is no state
  }
}
