/**
 * Keeps open gates honest: closes what time has closed, renews the lease of what is still good, and closes the rest.
 *
 * 1. A gate stays open only while the host is in touch, and all that its order leans on is what it was (P3).
 * 2. Being out of touch is no news: the gate closes by itself once its lease or its grace has run out.
 * 3. What was open when the agent stopped opens again only where the policy says so, and only after all was verified anew: as
 *    soon as the host is in touch, or never.
 * 4. Nothing is renewed or opened again while a kill may be on its way.
 * 5. Time, and the file that closes everything, wait for nobody: a look asks neither the network nor the trees on the disk.
 */
import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import { type EnableJudge, judgeOf } from './judge-enable.ts';
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
/** Between two tries to open what was open before. */
const REOPEN_MS = 5_000;

export class OpenGates {
  readonly #means: KeepOpenMeans;
  /** When the order of each application was judged last, by whoever did. */
  readonly #judgedAtMs = new Map<string, number>();
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

  /** To be called each second or so. Errors: the journal's. */
  look(): void {
    this.#means.obeyKillFile();
    const open = this.#means.keeper.tick();
    const watched = [...open, ...this.#means.keeper.interrupted()];
    for (const app of this.#judgedAtMs.keys()) if (!watched.includes(app)) this.#judgedAtMs.delete(app);
    // What is open for the first time was judged just now.
    for (const app of open) if (!this.#judgedAtMs.has(app)) this.#judgedAtMs.set(app, this.#means.nowMs());
  }

  /** Judges anew whatever it is time for. Errors: the journal's. */
  async judgeDue(): Promise<void> {
    const { keeper, isCaughtUp } = this.#means;
    if (!isCaughtUp()) return; // 4
    const isHinted = this.#isHinted;
    this.#isHinted = false;
    const [interrupted, open] = [keeper.interrupted(), keeper.openGates()];
    const isDue = (app: string, everyMs: number) => isHinted || this.#isTime(app, everyMs);
    for (const app of interrupted.filter((one) => isDue(one, REOPEN_MS))) {
      await this.#judged(app, (judge) => keeper.reopen(app, judge));
    }
    for (const app of open.filter((one) => isDue(one, this.#renewalMs(one)))) {
      await this.#judged(app, (judge) => keeper.renew(app, judge));
    }
  }

  #renewalMs(app: string): number {
    const view = this.#means.keeper.view(app);
    if (view.state !== 'open') return LATEST_RENEWAL_MS;
    return Math.min(LATEST_RENEWAL_MS, Math.max(SOONEST_RENEWAL_MS, view.order.leaseMs / 3));
  }

  #isTime(app: string, everyMs: number): boolean {
    return this.#means.nowMs() >= (this.#judgedAtMs.get(app) ?? 0) + everyMs;
  }

  async #judged(app: string, act: (judge: EnableJudge) => unknown): Promise<void> {
    const { gates, log, nowMs } = this.#means;
    this.#judgedAtMs.set(app, nowMs());
    const offer = gates.offerOf(app);
    const enable = enableOf(offer);
    if (!offer || !enable) return this.#lose(app, 'its order is not on record');
    // A kill, or another order, may have come meanwhile: nothing of this judgement is about that.
    const isStill = () => gates.offerOf(app)?.equals(offer) === true;
    try {
      const judge = await judgeOf(enable, this.#means);
      if (isStill()) act(judge);
    } catch (error) {
      if (error instanceof RejectedError && error.code !== 'journal-corrupt') {
        if (isStill()) this.#lose(app, `${error.code}: ${error.message}`);
      } else if (!(error instanceof TransientError)) throw error;
      log.info({ app, reason: messageOf(error) }, 'lease not renewed'); // 2
    }
  }

  /** What is closed for good keeps the reason that it was closed for. */
  #lose(app: string, reason: string): void {
    const { keeper, nowMs } = this.#means;
    if (keeper.view(app).state === 'closed' && !keeper.interrupted().includes(app)) return;
    keeper.note(app, { type: 'ground-lost', reason, nowMs: nowMs() });
  }
}

function enableOf(offer: Buffer | undefined): Enable | undefined {
  if (offer === undefined) return undefined;
  const directive = directiveCodec.decode(offer);
  return directive.kind === 'enable' ? directive.enable : undefined;
}
