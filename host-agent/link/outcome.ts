/** What the end of a session means for the next one. Codes decide, never texts. */
import { RejectedError, type RejectionCode, type TransientError } from '../../shared/errors.ts';

export type SessionOutcome =
  /** Nobody will let this host in as it is: stop dialing. Hammering a door that is shut for good helps nobody. */
  | { readonly kind: 'fatal'; readonly error: RejectedError }
  /** The control plane answered and refused, or both sides contradict each other: try again, rarely. */
  | { readonly kind: 'refused'; readonly error: RejectedError }
  /** The world was in the way, or the control plane is going down: try again. */
  | { readonly kind: 'lost'; readonly error: TransientError };

const FATAL_CODES: ReadonlySet<RejectionCode> = new Set([
  'host-revoked',
  'host-unknown',
  'host-not-enrolled',
  'certificate-revoked',
  'certificate-unknown',
  'identity-not-understood',
]);

export function outcomeOf(error: RejectedError | TransientError): SessionOutcome {
  if (!(error instanceof RejectedError)) return { kind: 'lost', error };
  return { kind: FATAL_CODES.has(error.code) ? 'fatal' : 'refused', error };
}
