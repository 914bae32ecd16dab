/**
 * An enable order, from the wire to an open gate or a refusal that says why.
 *
 * 1. The order, the nonce, the answer, and that the directive was handled, are one transaction (P8).
 * 2. A refusal is an answer like any other: signed, and in the outbox.
 */
import { RejectedError } from '../../shared/errors.ts';
import { APP_PATTERN } from '../../shared/release/names.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import type { StoredDirective } from '../journal/directives.ts';
import { answer } from './answer.ts';
import { judgeOf } from './judge-enable.ts';
import type { OrderMeans } from './order-means.ts';

/** Errors: `TransientError` when it must be tried again, and those of the journal; a refusal is no error. */
export async function followEnable(enable: Enable, stored: StoredDirective, means: OrderMeans): Promise<void> {
  const { app, envelope } = enable;
  try {
    const { decide, freshUntilMs } = await judgeOf(enable, means);
    means.keeper.enable(app, {
      envelope,
      freshUntilMs,
      decide,
      receipt: () => {
        means.gates.saveOffer(app, stored.bytes);
        means.settle(stored, undefined);
        answer({ app, order: envelope, answer: 'admitted' }, means);
      },
    });
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code === 'journal-corrupt') throw error;
    refuse({ app, order: envelope, error }, stored, means);
  }
  means.outbox.announce();
}

/** Errors: the journal's. */
export function refuse(
  { app, order, error }: { app: string; order: Uint8Array; error: RejectedError },
  stored: StoredDirective,
  means: OrderMeans,
): void {
  const { code } = error;
  means.database.transaction(() => {
    means.settle(stored, code);
    // No answer can name an application that cannot be; the outcome of the directive says that it was refused.
    if (APP_PATTERN.test(app)) answer({ app, order, answer: 'refused', code }, means);
  })();
  means.onRefused(stored, error);
}
