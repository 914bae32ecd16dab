import type { RejectedError, RejectionCode } from '../../shared/errors.ts';
import type { Labels } from '../../shared/trust/policy.ts';
import type { StoredDirective } from '../journal/directives.ts';
import type { PolicyMeans } from '../trust/policy.ts';
import type { AnswerMeans } from './answer.ts';
import type { StandingMeans } from './standing-run.ts';

/** What following an order takes. */
export interface OrderMeans extends AnswerMeans, StandingMeans, PolicyMeans {
  readonly labels: Labels;
  /** Whoever makes this file wants every gate closed, whatever anybody signs. */
  readonly killFile: string;
  /** For how long the owner of this host lets trust metadata be used that has run out; nothing unless he says so. */
  readonly trustLeewayMs?: number;
  /** Whether everything that waited for this host has arrived: until then a kill may be on its way. */
  readonly isCaughtUp: () => boolean;
  /** Marks the directive handled and reports its outcome; to be called inside the transaction of its consequence. */
  readonly settle: (directive: StoredDirective, refusalCode: RejectionCode | undefined) => void;
  readonly onRefused: (directive: StoredDirective, error: RejectedError) => void;
}
