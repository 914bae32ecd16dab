/**
 * A decision that people are to sign, as a file: it can be put into the inbox, mailed or carried on a stick. It holds the
 * payload to sign, the signatures so far, what an enable order is bound to on each host, and the evidence for it.
 *
 * Nothing of it is trusted: whoever signs reads the payload, and whoever shows the evidence verifies it first.
 */
import { z } from 'zod';
import { encodeCanonical } from '../canonical-json.ts';
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import type { LedgerBundle } from '../ledger/ledger-bundle.ts';
import { LIMITS } from '../limits.ts';
import { decodeBase64 } from '../trust/base64.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../trust/statement.ts';
import { decodeJsonObject } from '../trust/strict-json.ts';
import type { EvidenceLeaf } from './evidence-leaf.ts';

export const DECISION_KINDS = ['enable', 'ruling', 'kill'] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];

const base64 = z.string().refine((text) => decodeBase64(text) !== undefined, 'expected base64');
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const host = z.string().min(1).max(253);

const bundleSchema = z.strictObject({
  host,
  run: z.string().max(64),
  hostPublicKey: z.string().max(1024),
  entries: z.array(base64).max(LIMITS.ledgerEntryCount),
  head: base64,
  statement: base64,
  plan: base64,
  buildRecord: base64,
  policy: base64,
});

const schema = z.strictObject({
  schema: z.literal('keyturn.decision/v1'),
  kind: z.enum(DECISION_KINDS),
  payload: base64,
  signatures: z.array(z.strictObject({ keyid: z.string().max(256), sig: base64 })).max(LIMITS.signatureCount),
  leaves: z
    .array(z.strictObject({ host, run: z.string().max(64), head: digest, epoch: z.int().min(0) }))
    .max(LIMITS.orderHostCount),
  /** Left out for hosts beyond what a file can carry. */
  bundles: z.array(bundleSchema).max(LIMITS.decisionBundleCount),
});

export interface HostEvidence {
  readonly host: string;
  readonly run: string;
  readonly bundle: LedgerBundle;
}

export interface DecisionSignature {
  readonly keyid: string;
  readonly sig: Buffer;
}

export interface DecisionRequest {
  readonly kind: DecisionKind;
  /** The statement that is signed. */
  readonly payload: Buffer;
  readonly signatures: readonly DecisionSignature[];
  /** Of an enable order: sorted by host. */
  readonly leaves: readonly EvidenceLeaf[];
  readonly bundles: readonly HostEvidence[];
}

/** What it is called in the inbox: whoever signs the same is about the same. */
export function decisionId({ payload }: Pick<DecisionRequest, 'payload'>): Sha256 {
  return sha256(payload);
}

/** The signed envelope. Throws `RangeError` where nobody has signed. */
export function envelopeOf({ payload, signatures }: Pick<DecisionRequest, 'payload' | 'signatures'>): Buffer {
  if (signatures.length === 0) throw new RangeError('a decision that nobody has signed has no envelope');
  return encodeCanonical({
    payload: payload.toString('base64'),
    payloadType: STATEMENT_PAYLOAD_TYPE,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: sig.toString('base64') })),
  });
}

export function encodeDecision({ kind, payload, signatures, leaves, bundles }: DecisionRequest): Buffer {
  return encodeCanonical({
    schema: 'keyturn.decision/v1',
    kind,
    payload: payload.toString('base64'),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: sig.toString('base64') })),
    leaves: leaves.map((leaf) => ({ ...leaf })),
    bundles: bundles.map(encodeBundle),
  });
}

/** Errors: `decision-too-large`, `decision-malformed`. */
export function parseDecision(bytes: Uint8Array): DecisionRequest {
  if (bytes.length > LIMITS.decisionBytes) {
    throw new RejectedError(
      'decision-too-large',
      `failed to read decision: ${bytes.length} bytes, expected at most ${LIMITS.decisionBytes}`,
    );
  }
  const parsed = schema.safeParse(decodeJsonObject(bytes, { what: 'decision', code: 'decision-malformed' }));
  if (!parsed.success) {
    throw new RejectedError('decision-malformed', `failed to read decision: ${z.prettifyError(parsed.error)}`);
  }
  const { kind, payload, signatures, leaves, bundles } = parsed.data;
  return {
    kind,
    payload: bytesOf(payload),
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: bytesOf(sig) })),
    leaves,
    bundles: bundles.map(readBundle),
  };
}

/** The same decision with one more signature. A key id is a hint, so it decides nothing here either. */
export function withSignature(request: DecisionRequest, signature: DecisionSignature): DecisionRequest {
  const others = request.signatures.filter(({ sig }) => !sig.equals(signature.sig));
  return { ...request, signatures: [...others, signature] };
}

function encodeBundle({ host: name, run, bundle }: HostEvidence): z.infer<typeof bundleSchema> {
  const { entries, head, hostPublicKey, statement, plan, buildRecord, policy } = bundle;
  return {
    host: name,
    run,
    hostPublicKey,
    entries: entries.map(textOf),
    head: textOf(head),
    statement: textOf(statement),
    plan: textOf(plan),
    buildRecord: textOf(buildRecord),
    policy: textOf(policy),
  };
}

function readBundle({ host: name, run, ...rest }: z.infer<typeof bundleSchema>): HostEvidence {
  return {
    host: name,
    run,
    bundle: {
      hostPublicKey: rest.hostPublicKey,
      entries: rest.entries.map(bytesOf),
      head: bytesOf(rest.head),
      statement: bytesOf(rest.statement),
      plan: bytesOf(rest.plan),
      buildRecord: bytesOf(rest.buildRecord),
      policy: bytesOf(rest.policy),
    },
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
