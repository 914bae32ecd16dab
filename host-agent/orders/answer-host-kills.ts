/**
 * What the control plane hears of the kills that happened on this host: a record of who wanted them and why, with the same two
 * signed answers as to a kill from afar, that it is durable and that nothing runs any more.
 *
 * 1. Each answer, and that it was given, is one transaction: nothing is told twice, and nothing is forgotten (P8).
 */
import { encodeKillRecord } from '../../shared/orders/kill-record.ts';
import type { HostKills, StoredHostKill } from '../journal/host-kills.ts';
import type { LiveRegistry } from '../live/live-registry.ts';
import { type AnswerMeans, answer } from './answer.ts';

export interface HostKillMeans extends AnswerMeans {
  readonly kills: HostKills;
  readonly registry: LiveRegistry;
  /** An answer could not be made durable; it is tried again. */
  readonly onTrouble: (error: unknown) => void;
  readonly testOnlyAtBoundary?: ((boundary: string) => void) | undefined;
}

export class HostKillAnswers {
  readonly #means: HostKillMeans;
  /** What still runs by the gates of these is waited for. */
  readonly #waitedFor = new Map<number, Promise<void>>();

  constructor(means: HostKillMeans) {
    this.#means = means;
  }

  /** Whether there is anything to tell, now or later. Errors: the journal's. */
  get areDue(): boolean {
    return this.#means.kills.areAny();
  }

  /** Tells what can be told now; that nothing runs any more follows by itself. Errors: the journal's. */
  tell(): void {
    const { kills } = this.#means;
    const untold = kills.untold().filter(({ id }) => !this.#waitedFor.has(id));
    for (const kill of untold) if (!kill.isAnswered) this.#say('killed', kill, () => kills.markAnswered(kill.id));
    for (const kill of untold) this.#waitedFor.set(kill.id, this.#tellWhenGone(kill));
  }

  /** Resolves when nothing that was begun is waited for. */
  async settled(): Promise<void> {
    await Promise.all(this.#waitedFor.values());
  }

  /** Never rejects. */
  async #tellWhenGone(kill: StoredHostKill): Promise<void> {
    const { kills, registry, database, onTrouble } = this.#means;
    try {
      await registry.gone(kill.app);
      // An agent that has stopped meanwhile tells it with its next start.
      if (database.open) this.#say('stopped', kill, () => kills.forget(kill.id));
    } catch (error) {
      onTrouble(error);
    } finally {
      this.#waitedFor.delete(kill.id);
    }
  }

  #say(said: 'killed' | 'stopped', kill: StoredHostKill, also: () => void): void {
    const { host, database, outbox, testOnlyAtBoundary: at } = this.#means;
    const { app, reason, by, atMs } = kill;
    const order = encodeKillRecord({ from: 'host', app, hosts: [host], reason, by, atMs });
    at?.(`before it is told as ${said}`);
    database.transaction(() => {
      answer({ app, order, answer: said }, this.#means);
      also();
    })();
    at?.(`told as ${said}`);
    outbox.announce();
  }
}
