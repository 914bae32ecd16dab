/** The answers to a kill, which was obeyed as it arrived (`gate/take-kill.ts`): that it is durable, and that nothing runs any more. */
import { RejectedError } from '../../shared/errors.ts';
import { APP_PATTERN } from '../../shared/release/names.ts';
import type { Kill } from '../../shared/rpc/generated/messages.ts';
import type { StoredDirective } from '../journal/directives.ts';
import type { LiveRegistry } from '../live/live-registry.ts';
import { answer } from './answer.ts';
import { refuse } from './follow-enable.ts';
import type { OrderMeans } from './order-means.ts';

export interface KillMeans extends OrderMeans {
  readonly registry: LiveRegistry;
  readonly onLiveTrouble: (error: unknown) => void;
}

/** Errors: the journal's. */
export function followKill({ app, order }: Kill, stored: StoredDirective, means: KillMeans): void {
  const unfit = whyUnfit(app, means);
  if (unfit) refuse({ app, order, error: unfit }, stored, means);
  else {
    means.database.transaction(() => {
      means.settle(stored, undefined);
      answer({ app, order, answer: 'killed' }, means);
    })();
    tellWhenGone({ app, order }, means);
  }
  means.outbox.announce();
}

/** An agent that stops meanwhile takes what runs along; who waits for this answer then sees the live run's own end. */
function tellWhenGone({ app, order }: { app: string; order: Uint8Array }, means: KillMeans): void {
  const tell = (): void => {
    if (!means.database.open) return;
    means.database.transaction(() => answer({ app, order, answer: 'stopped' }, means))();
    means.outbox.announce();
  };
  means.registry.gone(app).then(tell).catch(means.onLiveTrouble);
}

function whyUnfit(app: string, { keeper }: KillMeans): RejectedError | undefined {
  if (!APP_PATTERN.test(app)) return new RejectedError('app-name-malformed', `no application is called "${app}"`);
  const view = keeper.view(app);
  return view.state === 'unknown' ? new RejectedError('gate-state-unknown', view.reason) : undefined;
}
