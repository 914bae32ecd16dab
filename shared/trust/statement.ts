/**
 * in-toto Statement v1: what a decision is about (`subject`), of which kind it is (`predicateType`) and what it says
 * (`predicate`).
 *
 * Each kind has a predicate type of its own, so that no signature made for one purpose counts for another. Read are
 * only verified bytes, and only bytes in the one canonical encoding.
 */
import { decodeCanonical, encodeCanonical, type Json } from '../canonical-json.ts';
import { isSha256, type Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import type { VerifiedPayload } from './dsse.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './strict-json.ts';

/** The payload type of a DSSE envelope around a statement. */
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The head of a proving run's ledger, signed by the host. */
export const LEDGER_HEAD_PREDICATE = 'https://keyturn.dev/attestation/ledger-head/v1';
/** The answer to a stop gate or a sub-gap. */
export const RULING_PREDICATE = 'https://keyturn.dev/attestation/ruling/v1';
/** The order that opens an execution gate. */
export const EXECUTION_ENABLE_PREDICATE = 'https://keyturn.dev/attestation/execution-enable/v1';
/** The order that closes an execution gate for good. */
export const EXECUTION_KILL_PREDICATE = 'https://keyturn.dev/attestation/execution-kill/v1';

/** What a host answers to an order, signed by the host. */
export const EXECUTION_RECEIPT_PREDICATE = 'https://keyturn.dev/attestation/execution-receipt/v1';

/** That a live process was started, or how it ended, signed by the host. */
export const LIVE_RUN_PREDICATE = 'https://keyturn.dev/attestation/live-run/v1';
/** What a live process shows to prove that it may run, signed by the host. */
export const RUN_PERMIT_PREDICATE = 'https://keyturn.dev/attestation/run-permit/v1';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

export type Subject = { readonly name: string; readonly digest: { readonly sha256: Sha256 } };

export type Statement = {
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: JsonObject;
};

/** The statement as canonical JSON: the payload to sign. Throws on a subject list that `parseStatement` would refuse. */
export function encodeStatement({ subject, predicateType, predicate }: Statement): Buffer {
  return encodeCanonical({ _type: STATEMENT_TYPE, subject: parseSubjects([...subject]), predicateType, predicate });
}

/**
 * Reads the statement of a verified envelope; the predicate's own fields are the caller's to check. Errors:
 * `not-canonical-json`, `statement-malformed`, `predicate-type-mismatch`, `payload-type-mismatch`.
 */
export function parseStatement(envelope: VerifiedPayload, predicateType: string): Statement {
  if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE) {
    throw new RejectedError(
      'payload-type-mismatch',
      `failed to parse statement: payload type "${envelope.payloadType}"`,
    );
  }
  return readStatement(envelope.payload, predicateType);
}

/**
 * What a statement would say once it is signed: for whoever may sign it to read, and for nothing else. Errors: as
 * `parseStatement`.
 */
export function previewStatement(payload: Uint8Array, predicateType: string): Statement {
  return readStatement(payload, predicateType);
}

function readStatement(payload: Uint8Array, predicateType: string): Statement {
  const statement = decodeCanonical(payload, 'statement');
  if (!isJsonObject(statement)) throw malformed('it is no object');
  checkMembers(statement, ['_type', 'predicate', 'predicateType', 'subject']);
  if (statement._type !== STATEMENT_TYPE) throw malformed(`unknown type ${JSON.stringify(statement._type)}`);
  checkPredicateType(statement.predicateType, predicateType);
  if (!isJsonObject(statement.predicate)) throw malformed('predicate is no object');
  return { subject: parseSubjects(statement.subject), predicateType, predicate: statement.predicate };
}

function checkPredicateType(actual: Json | undefined, expected: string): void {
  if (actual === expected) return;
  throw new RejectedError(
    'predicate-type-mismatch',
    `failed to parse statement: expected predicate type "${expected}", got ${JSON.stringify(actual)}`,
  );
}

function parseSubjects(value: unknown): Subject[] {
  if (!isJsonArray(value) || value.length === 0) throw malformed('subject is no list of at least one');
  return value.map(parseSubject);
}

function parseSubject(value: unknown): Subject {
  if (!isJsonObject(value)) throw malformed('a subject is no object');
  checkMembers(value, ['digest', 'name']);
  const { name, digest } = value;
  if (typeof name !== 'string' || name === '') throw malformed('a subject has no name');
  if (!isJsonObject(digest)) throw malformed(`subject "${name}" has no digest`);
  checkMembers(digest, ['sha256']);
  if (!isSha256(digest.sha256)) throw malformed(`subject "${name}" has no SHA-256 digest`);
  return { name, digest: { sha256: digest.sha256 } };
}

function checkMembers(object: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`unknown field "${unknown}"`);
}

function malformed(reason: string): RejectedError {
  return new RejectedError('statement-malformed', `failed to parse statement: ${reason}`);
}
