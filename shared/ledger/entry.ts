/**
 * The ledger of a run: entries in canonical JSON, each naming the digest of the one before.
 *
 * 1. An entry's digest is SHA-256 over a label and its bytes; the first entry names 64 zeros.
 * 2. `seq` counts from 0 without a gap.
 * 3. All entries of a ledger name the same run and host.
 * 4. The host signs the head (see head.ts); one changed byte anywhere changes the head.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { type Sha256, sha256OfParts } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { evidenceSchema } from './evidence.ts';

export const GENESIS: Sha256 = '0'.repeat(64);

export const RUN_PHASES = [
  'admitted',
  'preflight',
  'fetching',
  'staged',
  'promoted',
  'checking',
  'held',
  'rehearsing',
  'proven',
  'failed',
  'rolledBack',
] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(4096);

const body = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run-admitted'),
    app: text,
    version: text,
    commit: text,
    /** Digests of what the host had verified when it admitted the run. */
    statementDigest: digest,
    treeDigest: digest,
    manifestDigest: digest,
    planDigest: digest,
    buildRecordDigest: digest,
    policyDigest: digest,
    /** The version of each trusted metadata file, such as `root 1`. */
    trust: z.array(text).max(16),
    installPath: text,
    agentVersion: text,
  }),
  z.strictObject({ type: z.literal('phase-entered'), from: z.enum(RUN_PHASES), to: z.enum(RUN_PHASES), reason: text }),
  z.strictObject({ type: z.literal('check-recorded'), evidence: evidenceSchema }),
  /** What people decided; the host has verified who they are. The ruling itself is in the log. */
  z.strictObject({
    type: z.literal('ruling-recorded'),
    check: z.string().max(128),
    decision: z.enum(['proceed', 'stop', 'waive']),
    stopGate: z.string().max(16).optional(),
    expiresAt: z.iso.datetime({ precision: 3 }).optional(),
    rulingDigest: digest,
    by: z.array(text).min(1).max(LIMITS.approverCount),
    reason: text,
  }),
]);
export type LedgerEntryBody = z.infer<typeof body>;

const entrySchema = z.strictObject({
  schema: z.literal('keyturn.ledger-entry/v1'),
  seq: z
    .int()
    .min(0)
    .max(LIMITS.ledgerEntryCount - 1),
  previous: digest,
  run: z.string().max(64),
  host: z.string().max(253),
  at: z.iso.datetime({ precision: 3 }),
  body,
});
export type LedgerEntry = z.infer<typeof entrySchema>;

/** An entry with the bytes it was read from and their digest. */
export interface SealedEntry {
  readonly entry: LedgerEntry;
  readonly bytes: Buffer;
  readonly digest: Sha256;
}

export interface EntryContext {
  readonly run: string;
  readonly host: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
}

/** Makes the entry that follows `previous` (or the first). Errors: zod's, when the body has the wrong shape. */
export function sealEntry(
  previous: SealedEntry | undefined,
  context: EntryContext,
  body: LedgerEntryBody,
): SealedEntry {
  const entry = entrySchema.parse({
    schema: 'keyturn.ledger-entry/v1',
    seq: previous ? previous.entry.seq + 1 : 0,
    previous: previous ? previous.digest : GENESIS,
    ...context,
    body,
  });
  const bytes = encodeCanonical(entry);
  return { entry, bytes, digest: entryDigest(bytes) };
}

/** Errors: `RejectedError` with `ledger-entry-too-large`, `not-canonical-json` or `ledger-entry-malformed`. */
export function parseEntry(bytes: Uint8Array): SealedEntry {
  if (bytes.byteLength > LIMITS.ledgerEntryBytes) {
    throw new RejectedError(
      'ledger-entry-too-large',
      `failed to read ledger entry: ${bytes.byteLength} bytes, expected at most ${LIMITS.ledgerEntryBytes}`,
    );
  }
  const parsed = entrySchema.safeParse(decodeCanonical(bytes, 'ledger entry'));
  if (!parsed.success) {
    throw new RejectedError('ledger-entry-malformed', `failed to read ledger entry: ${z.prettifyError(parsed.error)}`);
  }
  const copy = Buffer.from(bytes);
  return { entry: parsed.data, bytes: copy, digest: entryDigest(copy) };
}

/** Checks rules 1 to 3. Errors: `RejectedError` with `ledger-chain-broken`, `ledger-mixed` or `ledger-empty`. */
export function verifyChain(entries: readonly SealedEntry[]): void {
  const first = entries[0];
  if (!first) throw new RejectedError('ledger-empty', 'failed to verify ledger: it has no entry');
  checkLink(undefined, first);
  for (let index = 1; index < entries.length; index += 1) checkLink(entries[index - 1], entries[index] as SealedEntry);
}

/** Checks that `next` follows `previous`; for the first entry `previous` is undefined. */
export function checkLink(previous: SealedEntry | undefined, next: SealedEntry): void {
  const expected = { seq: previous ? previous.entry.seq + 1 : 0, previous: previous?.digest ?? GENESIS };
  if (next.entry.seq !== expected.seq || next.entry.previous !== expected.previous) {
    throw new RejectedError(
      'ledger-chain-broken',
      `failed to verify ledger: entry ${next.entry.seq} behind ${next.entry.previous}, expected entry ${expected.seq} behind ${expected.previous}`,
    );
  }
  if (previous && (next.entry.run !== previous.entry.run || next.entry.host !== previous.entry.host)) {
    throw new RejectedError(
      'ledger-mixed',
      `failed to verify ledger: entry ${next.entry.seq} is of run "${next.entry.run}" on "${next.entry.host}"`,
    );
  }
}

function entryDigest(bytes: Uint8Array): Sha256 {
  return sha256OfParts(['keyturn-ledger-entry/v1\0', bytes]);
}
