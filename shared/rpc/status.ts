/**
 * Errors on the wire. A refusal travels as a gRPC status with our code in `keyturn-code` and its hint in
 * `keyturn-hint`; a host is told the code alone, people also get the message.
 */
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';

import { messageOf, RejectedError, type RejectionCode, TransientError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export const CODE_KEY = 'keyturn-code';
export const HINT_KEY = 'keyturn-hint';

/** Who reads the answer. */
export type Audience = 'host' | 'operator';

/** Codes whose gRPC status says more than "not as things are". Tools that know gRPC alone act on it. */
const STATUS_OF_CODE: Readonly<Record<RejectionCode, status>> = {
  'publication-outdated': status.ABORTED,
  'metadata-not-found': status.NOT_FOUND,
  'blob-not-found': status.NOT_FOUND,
  'run-not-found': status.NOT_FOUND,
  'report-not-found': status.NOT_FOUND,
  'release-not-found': status.NOT_FOUND,
  'host-unknown': status.NOT_FOUND,
  'operator-unknown': status.NOT_FOUND,
  'role-not-sufficient': status.PERMISSION_DENIED,
  'host-revoked': status.PERMISSION_DENIED,
  'host-not-enrolled': status.PERMISSION_DENIED,
  'certificate-revoked': status.PERMISSION_DENIED,
  'certificate-expired': status.UNAUTHENTICATED,
  'identity-missing': status.UNAUTHENTICATED,
  'identity-not-understood': status.UNAUTHENTICATED,
  'token-unknown': status.UNAUTHENTICATED,
  'number-out-of-range': status.OUT_OF_RANGE,
};

/** What the wire itself says when nobody has decided anything: worth another try. */
const TRANSIENT_STATUSES: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  // Made by grpc-js for a stream that breaks off in the middle.
  status.INTERNAL,
  status.UNKNOWN,
  status.CANCELLED,
]);

/** What grpc-js adds to every connection that failed: how the name was resolved, or nothing. */
const RESOLUTION_NOTE = /\.? *Resolution note: .*$/s;

/** The status to answer with. What is neither a refusal nor transient is a fault of ours: the peer learns no more. */
export function statusOfError(error: unknown, audience: Audience): Partial<StatusObject> {
  const metadata = new Metadata();
  if (error instanceof TransientError) return { code: status.UNAVAILABLE, details: 'try again', metadata };
  const refusal = error instanceof RejectedError ? error : faultOfOurs(error);
  metadata.set(CODE_KEY, refusal.code);
  if (refusal.hint !== undefined) metadata.set(HINT_KEY, encodeURIComponent(refusal.hint));
  const details = audience === 'operator' ? refusal.message : refusal.code;
  return { code: statusOfRefusal(refusal.code), details, metadata };
}

/** What a failed call means to its caller. `action` begins the message: `failed to <action>`. */
export function errorOfStatus(error: unknown, action: string): RejectedError | TransientError {
  if (error instanceof RejectedError || error instanceof TransientError) return error;
  if (!isServiceError(error)) return new TransientError(`failed to ${action}: ${messageOf(error)}`, { cause: error });
  const code = codeOf(error);
  if (code === undefined && TRANSIENT_STATUSES.has(error.code)) {
    return new TransientError(`failed to ${action}: ${error.details.replace(RESOLUTION_NOTE, '')}`, { cause: error });
  }
  const hint = hintOf(error);
  return new RejectedError(
    (code ?? codeOfStatus(error.code)) as RejectionCode,
    `failed to ${action}: ${error.details}`,
    {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

function faultOfOurs(cause: unknown): RejectedError {
  return new RejectedError('internal-error', 'failed to answer: a fault of the control plane, see its log', { cause });
}

function statusOfRefusal(code: RejectionCode): status {
  if (code === 'internal-error') return status.INTERNAL;
  return Object.hasOwn(STATUS_OF_CODE, code) ? (STATUS_OF_CODE[code] as status) : status.FAILED_PRECONDITION;
}

/** A status that a peer or a proxy chose without our code: `rpc-unimplemented`, `rpc-resource-exhausted`, ... */
function codeOfStatus(code: status): string {
  return `rpc-${(status[code] ?? 'unknown').toLowerCase().replaceAll('_', '-')}`;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'metadata' in error;
}

const CODE_PATTERN = new RegExp(`^[a-z0-9-]{1,${LIMITS.codeLength}}$`);

/** The peer decides what stands there: what is no code counts as none. */
function codeOf(error: ServiceError): string | undefined {
  const text = textOf(error, CODE_KEY);
  return text !== undefined && CODE_PATTERN.test(text) ? text : undefined;
}

function hintOf(error: ServiceError): string | undefined {
  try {
    const text = textOf(error, HINT_KEY);
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    // It was not encoded as we do it: a peer may say anything, and nothing hangs on it.
    return undefined;
  }
}

function textOf(error: ServiceError, key: string): string | undefined {
  const value = error.metadata?.get(key)[0];
  return typeof value === 'string' ? value : undefined;
}
