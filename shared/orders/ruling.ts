/**
 * What people decide about one run on one host: go on past a stop gate, stop there, or do without what a check left open.
 * A ruling is bound to the last entry of that run's ledger, so it is about what people saw, and it counts once.
 */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import type { Checkpoint } from '../transparency/checkpoint.ts';
import { parseEnvelope, type VerifiedPayload, verifyApprovals } from '../trust/dsse.ts';
import { keyedApprovers, type Labels, selectRule } from '../trust/policy.ts';
import {
  encodeStatement,
  parseStatement,
  previewStatement,
  RULING_PREDICATE,
  STATEMENT_PAYLOAD_TYPE,
  type Statement,
} from '../trust/statement.ts';
import { checkInLog, type LoggedEnvelope, type SeenLog } from './in-log.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';
import { unmetBy, withoutReleasers } from './quorum.ts';

export const RULING_DECISIONS = ['proceed', 'stop', 'waive'] as const;
export type RulingDecision = (typeof RULING_DECISIONS)[number];

const predicateSchema = z
  .strictObject({
    host: z.string().min(1).max(253),
    /** Of the plan. */
    check: z.string().min(1).max(128),
    decision: z.enum(RULING_DECISIONS),
    /** Where the run is held. */
    stopGate: z
      .string()
      .regex(/^[A-Z][A-Z0-9-]{0,15}$/)
      .optional(),
    /** Until when people do without; a waiver that never ends is none. */
    expires: instantSchema.optional(),
    issuedAt: instantSchema,
    reason: z.string().min(1).max(2_000),
  })
  .refine(
    ({ decision, stopGate, expires }) =>
      (decision === 'waive') === (expires !== undefined) && (decision === 'waive') === (stopGate === undefined),
    'a waiver has an end, and everything else a stop gate',
  );

export interface Ruling {
  readonly host: string;
  readonly run: string;
  /** The digest of the last entry of the run's ledger. */
  readonly head: Sha256;
  readonly check: string;
  readonly decision: RulingDecision;
  readonly stopGate: string | undefined;
  readonly expiresMs: number | undefined;
  readonly issuedAtMs: number;
  readonly reason: string;
}

/** What is true on the host. */
export interface RulingFacts extends SeenLog {
  readonly host: string;
  readonly labels: Labels;
  readonly run: string;
  readonly head: Sha256;
  /** Public keys, in hexadecimal, that signed the release. */
  readonly releasers: ReadonlySet<string>;
}

export interface AdmittedRuling {
  readonly ruling: Ruling;
  /** Holders who counted, each with the team. */
  readonly by: readonly string[];
  readonly checkpoint: Checkpoint;
}

/** The payload to sign. Errors: zod's when a member has the wrong shape. */
export function encodeRuling({ run, head, stopGate, expiresMs, issuedAtMs, ...rest }: Ruling): Buffer {
  const optional = {
    ...(stopGate !== undefined && { stopGate }),
    ...(expiresMs !== undefined && { expires: instantOf(expiresMs) }),
  };
  const predicate = predicateSchema.parse({ ...rest, ...optional, issuedAt: instantOf(issuedAtMs) });
  return encodeStatement({
    subject: [{ name: run, digest: { sha256: head } }],
    predicateType: RULING_PREDICATE,
    predicate: predicate as Readonly<Record<string, Json>>,
  });
}

/** Errors: those of `parseStatement`; `ruling-malformed`. */
export function readRuling(payload: VerifiedPayload): Ruling {
  return rulingOf(parseStatement(payload, RULING_PREDICATE));
}

/** What a ruling would say once it is signed: to be shown to whoever may sign it, and for nothing else. Errors: as `readRuling`. */
export function previewRuling(payload: Uint8Array): Ruling {
  return rulingOf(previewStatement(payload, RULING_PREDICATE));
}

function rulingOf({ subject, predicate }: Statement): Ruling {
  const parsed = predicateSchema.safeParse(predicate);
  const [about, ...others] = subject;
  if (!parsed.success || !about || others.length > 0) {
    throw new RejectedError('ruling-malformed', 'failed to read ruling: its members are not those of a ruling');
  }
  const { stopGate, expires, issuedAt, ...rest } = parsed.data;
  return {
    ...rest,
    run: about.name,
    head: about.digest.sha256,
    stopGate,
    expiresMs: expires === undefined ? undefined : msOf(expires),
    issuedAtMs: msOf(issuedAt),
  };
}

/**
 * Whether a host follows a ruling. Errors: `RejectedError` with the code of the first rule that is broken. That the ruling is
 * about what the run waits for is the run's to say.
 */
export function admitRuling(offer: LoggedEnvelope, facts: RulingFacts): AdmittedRuling {
  const rule = selectRule(facts.policy, facts.labels);
  if (!rule) throw refused('no-rule-for-host', 'the policy has no rule for a host with these labels');
  const approvers = keyedApprovers(facts.policy);
  const approved = verifyApprovals(parseEnvelope(offer.envelope), approvers, { payloadType: STATEMENT_PAYLOAD_TYPE });
  const ruling = readRuling(approved);
  const isWaiver = ruling.decision === 'waive';
  const counting =
    isWaiver && rule.separation
      ? withoutReleasers(approved.approvals, { releasers: facts.releasers, approvers })
      : approved.approvals;
  const [unmet] = unmetBy(counting, isWaiver ? rule : { ...rule, quorum: rule.rulings ?? rule.quorum });
  if (unmet) throw refused('quorum-not-met', `expected ${unmet.count} of team "${unmet.team}", got ${unmet.actual}`);
  if (ruling.host !== facts.host) throw refused('order-for-another-host', `it is for "${ruling.host}"`);
  if (ruling.run !== facts.run) throw refused('ruling-of-another-run', `it is about run "${ruling.run}"`);
  if (ruling.head !== facts.head) {
    throw refused('evidence-differs', `it is bound to head "${ruling.head}", here is "${facts.head}"`);
  }
  const checkpoint = checkInLog('ruling', offer, facts);
  return { ruling, by: counting.map(({ approver }) => `${approver.holder} (${approver.team})`), checkpoint };
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `refused the ruling: ${reason}`);
}
