/** Drill orders on their way from one approver to the next. Nothing of it is trusted: whoever signs checks that it is dead. */
import { z } from 'zod';
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { DecisionSignature } from '../../shared/orders/decision-request.ts';
import { PREPARED_ROWS, type PreparedRowName } from '../../shared/orders/drill.ts';
import type { EvidenceLeaf } from '../../shared/orders/evidence-leaf.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { decodeJsonObject } from '../../shared/trust/strict-json.ts';

export interface DrillSet {
  readonly orders: readonly DrillSetOrder[];
  /** What true orders for the same hosts would be bound to. */
  readonly leaves: readonly EvidenceLeaf[];
}

export interface DrillSetOrder {
  readonly row: PreparedRowName;
  readonly payload: Buffer;
  readonly signatures: readonly DecisionSignature[];
}

const signature = z.strictObject({ keyid: z.string().max(256), sig: z.base64() });
const schema = z.strictObject({
  schema: z.literal('keyturn.drill/v1'),
  orders: z
    .array(
      z.strictObject({
        row: z.enum(PREPARED_ROWS),
        payload: z.base64(),
        signatures: z.array(signature).max(LIMITS.signatureCount),
      }),
    )
    .length(PREPARED_ROWS.length),
  leaves: z
    .array(
      z.strictObject({
        host: z.string().min(1).max(253),
        run: z.string().max(64),
        head: z.string().regex(/^[0-9a-f]{64}$/),
        epoch: z.int().min(0),
      }),
    )
    .min(1)
    .max(LIMITS.orderHostCount),
});

export function writeDrillFile(path: string, { orders, leaves }: DrillSet): void {
  const document = {
    schema: 'keyturn.drill/v1',
    orders: orders.map(({ row, payload, signatures }) => ({
      row,
      payload: payload.toString('base64'),
      signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: sig.toString('base64') })),
    })),
    leaves: leaves.map((leaf) => ({ ...leaf })),
  };
  writeFileAtomic(path, encodeCanonical(document), { mode: 0o644 });
}

/** Errors: `drill-file-malformed`; `UsageError`. */
export function readDrillFile(path: string): DrillSet {
  const what = { what: 'drill file', code: 'drill-file-malformed' } as const;
  const parsed = schema.safeParse(decodeJsonObject(readInputFile(path, 'drill file'), what));
  if (!parsed.success) {
    throw new RejectedError('drill-file-malformed', `failed to read drill file: ${z.prettifyError(parsed.error)}`);
  }
  const { orders, leaves } = parsed.data;
  return {
    leaves,
    orders: orders.map(({ row, payload, signatures }) => ({
      row,
      payload: Buffer.from(payload, 'base64'),
      signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: Buffer.from(sig, 'base64') })),
    })),
  };
}
