/**
 * Keeps open gates honest: closes what time has closed, renews the lease of what is still good, and closes the rest.
 *
 * 1. A gate stays open only while the host is in touch, and all that its order leans on is what it was (P3).
 * 2. Being out of touch is no news: the gate closes by itself once its lease or its grace has run out.
 * 3. What was open when the agent stopped opens again only where the policy says so, and only after all was verified anew.
 * 4. Nothing is renewed or opened again while a kill may be on its way.
 */
import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import { judgeOf } from './judge-enable.ts';
import type { OrderMeans } from './order-means.ts';

export interface KeepOpenMeans extends OrderMeans {
  readonly log: Logger;
  /** Kills what has not obeyed the file KILL that is there. Errors: the journal's. */
  readonly obeyKillFile: () => void;
}

/** Between two looks at the clock, and at the file that closes everything. */
export const TICK_MS = 1_000;
/** Leases are renewed at a third of their life, but no more often, and at least as often, as these. */
const SOONEST_RENEWAL_MS = 1_000;
const LATEST_RENEWAL_MS = 60_000;

export class OpenGates {
  readonly #means: KeepOpenMeans;
  readonly #renewedAtMs = new Map<string, number>();
  #isHinted = false;

  constructor(means: KeepOpenMeans) {
    this.#means = means;
  }

  /** The trust metadata may have changed: what is open is judged anew with the next look. */
  hint(): void {
    this.#isHinted = true;
  }

  /** Whether there is anything to look after. */
  get areAny(): boolean {
    const { keeper } = this.#means;
    return keeper.openGates().length > 0 || keeper.interrupted().length > 0;
  }

  /** Errors: the journal's. */
  async look(): Promise<void> {
    const { keeper, obeyKillFile, nowMs } = this.#means;
    obeyKillFile();
    const isHinted = this.#isHinted;
    this.#isHinted = false;
    for (const app of keeper.tick()) {
      const last = this.#renewedAtMs.get(app) ?? 0;
      if (isHinted || nowMs() >= last + this.#renewalMs(app)) await this.#renew(app);
    }
  }

  /** Judges anew what was open when the agent stopped, as soon as that can be judged. Errors: the journal's. */
  async reopen(): Promise<void> {
    if (!this.#means.isCaughtUp()) return; // 4
    for (const app of this.#means.keeper.interrupted()) {
      await this.#judged(app, (judge) => this.#means.keeper.reopen(app, judge));
    }
  }

  #renewalMs(app: string): number {
    const view = this.#means.keeper.view(app);
    if (view.state !== 'open') return LATEST_RENEWAL_MS;
    return Math.min(LATEST_RENEWAL_MS, Math.max(SOONEST_RENEWAL_MS, view.order.leaseMs / 3));
  }

  async #renew(app: string): Promise<void> {
    const { keeper, nowMs } = this.#means;
    this.#renewedAtMs.set(app, nowMs());
    await this.#judged(app, (judge) => keeper.renew(app, judge));
  }

  async #judged(app: string, act: (judge: Awaited<ReturnType<typeof judgeOf>>) => unknown): Promise<void> {
    const { gates, log, keeper, nowMs } = this.#means;
    const enable = enableOf(gates.offerOf(app));
    if (!enable) return keeper.note(app, { type: 'ground-lost', reason: 'its order is not on record', nowMs: nowMs() });
    try {
      act(await judgeOf(enable, this.#means));
    } catch (error) {
      if (error instanceof RejectedError && error.code !== 'journal-corrupt') {
        keeper.note(app, { type: 'ground-lost', reason: `${error.code}: ${error.message}`, nowMs: nowMs() });
      } else if (!(error instanceof TransientError)) throw error;
      log.info({ app, reason: messageOf(error) }, 'lease not renewed'); // 2
    }
  }
}

function enableOf(offer: Buffer | undefined): Enable | undefined {
  if (offer === undefined) return undefined;
  const directive = directiveCodec.decode(offer);
  return directive.kind === 'enable' ? directive.enable : undefined;
}
