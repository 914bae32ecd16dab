/**
 * A kill is obeyed as it arrives: the gate is closed in the transaction that stores the directive, before that is
 * acknowledged, and before anything that was ordered earlier and still waits (P4).
 *
 * 1. Whoever speaks for the control plane may stop: there is no signature to verify, nothing to load and nothing to refuse.
 * 2. A kill that cannot be made durable is not acknowledged; what runs is stopped all the same.
 */
import { RejectedError } from '../../shared/errors.ts';
import { APP_PATTERN } from '../../shared/release/names.ts';
import type { TakeDirective } from '../journal/directives.ts';
import type { GateKeeper } from './gate-keeper.ts';

export function killsFirst(keeper: GateKeeper): TakeDirective {
  return ({ message }, store) => {
    if (message?.kind !== 'kill' || !APP_PATTERN.test(message.kill.app)) return store();
    const { app, reason } = message.kill;
    try {
      keeper.kill(app, { reason: `killed: ${reason}`, receipt: store });
    } catch (error) {
      // A gate that nobody can read opens for nothing; the answer says so.
      if (!(error instanceof RejectedError) || error.code !== 'gate-state-unknown') throw error;
      store();
    }
  };
}
