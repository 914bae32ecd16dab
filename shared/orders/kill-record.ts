/**
 * A kill that nobody signed: the word of an operator's session, or of whoever is root on the host. It is written down, so that the
 * log says who closed a gate and why; that it was obeyed is shown by the host's receipt.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { APP_PATTERN } from '../release/names.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

const schema = z.strictObject({
  schema: z.literal('keyturn.kill-record/v1'),
  /** `session`: an operator told the control plane. `host`: somebody told the agent. */
  from: z.enum(['session', 'host']),
  app: z.string().regex(APP_PATTERN),
  /** The hosts that are meant; every host where it is empty. */
  hosts: z.array(z.string().min(1).max(253)).max(LIMITS.orderHostCount),
  reason: z.string().min(1).max(2_000),
  /** As the control plane or the host knows them: a name, and nothing that proves it. */
  by: z.string().min(1).max(253),
  at: instantSchema,
});

export interface KillRecord {
  readonly from: 'session' | 'host';
  readonly app: string;
  readonly hosts: readonly string[];
  readonly reason: string;
  readonly by: string;
  readonly atMs: number;
}

/** Errors: `kill-malformed`. */
export function encodeKillRecord({ atMs, ...rest }: KillRecord): Buffer {
  const parsed = schema.safeParse({
    schema: 'keyturn.kill-record/v1',
    ...rest,
    hosts: [...rest.hosts],
    at: instantOf(atMs),
  });
  if (parsed.success) return encodeCanonical(parsed.data);
  throw new RejectedError('kill-malformed', `failed to kill: ${z.prettifyError(parsed.error)}`);
}

/** Undefined for what is no such record, such as an order that an approver signed. */
export function readKillRecord(bytes: Uint8Array): KillRecord | undefined {
  const parsed = schema.safeParse(decodedOrNothing(bytes));
  if (!parsed.success) return undefined;
  const { schema: _schema, at, ...rest } = parsed.data;
  return { ...rest, atMs: msOf(at) };
}

function decodedOrNothing(bytes: Uint8Array): unknown {
  try {
    return decodeCanonical(bytes, 'kill record');
  } catch (error) {
    if (error instanceof RejectedError) return undefined;
    throw error;
  }
}
