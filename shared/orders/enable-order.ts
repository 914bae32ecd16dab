/**
 * The order that opens an execution gate: what may run, on which evidence, from when to when.
 *
 * Its subject is the tree of the release. Whoever reads one has verified who signed it; whether they are enough, and
 * whether it is for this host and this hour, is `admit.ts`.
 */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { NAME_PATTERN } from '../release/plan.ts';
import { APP_PATTERN, installationName, VERSION_PATTERN } from '../release/release-statement.ts';
import type { VerifiedPayload } from '../trust/dsse.ts';
import {
  EXECUTION_ENABLE_PREDICATE,
  encodeStatement,
  parseStatement,
  previewStatement,
  type Statement,
} from '../trust/statement.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

const predicateSchema = z.strictObject({
  app: z.string().regex(APP_PATTERN),
  version: z.string().regex(VERSION_PATTERN),
  mode: z.literal('live'),
  /** Of the release's plan, sorted, each once. */
  entrypoints: z.array(z.string().regex(NAME_PATTERN)).min(1).max(LIMITS.orderEntrypointCount),
  issuedAt: instantSchema,
  /** The window. */
  notBefore: instantSchema,
  expires: instantSchema,
  /** How long the gate stays open after the host was last in touch, in milliseconds. */
  leaseMs: z
    .int()
    .min(1_000)
    .max(365 * 24 * 60 * 60 * 1000),
  /** Opens a gate once. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  reason: z.string().min(1).max(2_000),
  /** The Merkle root over the leaves of all hosts, and how many they are. */
  evidence: z.strictObject({
    root: z.string().regex(/^[0-9a-f]{64}$/),
    size: z.int().min(1).max(LIMITS.orderHostCount),
  }),
});

export interface EnableOrder {
  readonly app: string;
  readonly version: string;
  readonly treeDigest: Sha256;
  readonly entrypoints: readonly string[];
  readonly issuedAtMs: number;
  readonly notBeforeMs: number;
  readonly expiresMs: number;
  readonly leaseMs: number;
  readonly nonce: string;
  readonly reason: string;
  readonly evidence: { readonly root: string; readonly size: number };
}

/** The payload to sign. Errors: zod's when a member has the wrong shape, `order-malformed` when they do not fit. */
export function encodeEnableOrder(order: EnableOrder): Buffer {
  const { app, version, treeDigest, entrypoints, issuedAtMs, notBeforeMs, expiresMs, ...rest } = order;
  const times = { issuedAt: instantOf(issuedAtMs), notBefore: instantOf(notBeforeMs), expires: instantOf(expiresMs) };
  const predicate = predicateSchema.parse({
    app,
    version,
    mode: 'live',
    entrypoints: [...entrypoints],
    ...times,
    ...rest,
  });
  checkFit(order);
  return encodeStatement({
    subject: [{ name: installationName(app, version), digest: { sha256: treeDigest } }],
    predicateType: EXECUTION_ENABLE_PREDICATE,
    predicate: predicate as unknown as Readonly<Record<string, Json>>,
  });
}

/** Errors: those of `parseStatement`; `order-malformed`. */
export function readEnableOrder(payload: VerifiedPayload): EnableOrder {
  return orderOf(parseStatement(payload, EXECUTION_ENABLE_PREDICATE));
}

/** What an order would say once it is signed: to be shown to whoever may sign it, and for nothing else. Errors: as `readEnableOrder`. */
export function previewEnableOrder(payload: Uint8Array): EnableOrder {
  return orderOf(previewStatement(payload, EXECUTION_ENABLE_PREDICATE));
}

function orderOf({ subject, predicate }: Statement): EnableOrder {
  const parsed = predicateSchema.safeParse(predicate);
  if (!parsed.success) {
    throw malformed(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  }
  const { mode: _mode, issuedAt, notBefore, expires, ...rest } = parsed.data;
  const [tree, ...others] = subject;
  if (!tree || others.length > 0 || tree.name !== installationName(rest.app, rest.version)) {
    throw malformed(`its subject is not ${installationName(rest.app, rest.version)}`);
  }
  const order: EnableOrder = {
    ...rest,
    treeDigest: tree.digest.sha256,
    issuedAtMs: msOf(issuedAt),
    notBeforeMs: msOf(notBefore),
    expiresMs: msOf(expires),
  };
  checkFit(order);
  return order;
}

/** What a schema cannot say. */
function checkFit({ entrypoints, notBeforeMs, expiresMs, issuedAtMs }: EnableOrder): void {
  if (notBeforeMs >= expiresMs) throw malformed('it expires before it begins');
  if (issuedAtMs > expiresMs) throw malformed('it was issued after it expires');
  const isSorted = entrypoints.every((name, index) => index === 0 || (entrypoints[index - 1] ?? '') < name);
  if (!isSorted) throw malformed('its entrypoints are not sorted, or one stands there twice');
}

function malformed(reason: string): RejectedError {
  return new RejectedError('order-malformed', `failed to read enable order: ${reason}`);
}
