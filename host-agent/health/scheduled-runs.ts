/**
 * Starts live entrypoints at the times that the signed plan gives them, while their gate is open.
 *
 * 1. A start goes the way of every other: permit, tree, secrets (`startLive`). A schedule opens nothing (P3).
 * 2. One minute starts an entrypoint once, also across restarts: the minute is in the identity of the live run.
 * 3. Only a minute that begins while this looks counts. What was missed, by a closed gate, a pause or a stopped agent, is not
 *    made up for.
 * 4. While an entrypoint still runs it is not started again; the log says which time was left out.
 */
import { sha256 } from '../../shared/digest.ts';
import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import type { LiveMeans } from '../live/live-means.ts';
import { startLive } from '../live/start-live.ts';
import { openRun } from '../run/open-run.ts';
import { type CronSchedule, minuteOf, parseSchedule } from './cron-schedule.ts';

export interface ScheduleMeans extends LiveMeans {
  readonly log: Logger;
}

/** What one order starts by itself. */
interface Timetable {
  /** Digest of the order. */
  readonly order: string;
  /** The last minute that was looked at. */
  minuteMs: number;
  readonly schedules: ReadonlyMap<string, CronSchedule>;
}

interface Due {
  readonly app: string;
  readonly entrypoint: string;
  readonly minuteMs: number;
}

export class ScheduledRuns {
  readonly #means: ScheduleMeans;
  readonly #timetables = new Map<string, Timetable>();

  constructor(means: ScheduleMeans) {
    this.#means = means;
  }

  /** To be called each second or so. Errors: the journal's, and those of `startLive` that are no refusal. */
  async startDue(): Promise<void> {
    const { keeper, nowMs } = this.#means;
    const open = keeper.openGates();
    for (const app of this.#timetables.keys()) if (!open.includes(app)) this.#timetables.delete(app);
    const minuteMs = minuteOf(nowMs());
    for (const due of open.flatMap((app) => this.#due(app, minuteMs))) await this.#start(due);
  }

  #due(app: string, minuteMs: number): Due[] {
    const timetable = this.#timetableOf(app, minuteMs);
    if (!timetable || minuteMs <= timetable.minuteMs) return []; // 3
    timetable.minuteMs = minuteMs;
    const names = [...timetable.schedules].filter(([, isDue]) => isDue(minuteMs)).map(([name]) => name);
    return names.map((entrypoint) => ({ app, entrypoint, minuteMs }));
  }

  #timetableOf(app: string, minuteMs: number): Timetable | undefined {
    const view = this.#means.keeper.view(app);
    if (view.state !== 'open') return undefined;
    const { envelope: order, entrypoints } = view.order;
    const known = this.#timetables.get(app);
    if (known?.order === order) return known;
    const made = { order, minuteMs, schedules: this.#schedulesOf(app, entrypoints) };
    this.#timetables.set(app, made);
    return made;
  }

  #schedulesOf(app: string, entrypoints: readonly string[]): Map<string, CronSchedule> {
    const { gates, log } = this.#means;
    const offer = gates.offerOf(app);
    const directive = offer && directiveCodec.decode(offer);
    if (directive?.kind !== 'enable') return new Map();
    const { plan } = openRun(directive.enable.runId, this.#means).release;
    const schedules = new Map<string, CronSchedule>();
    for (const entrypoint of entrypoints) {
      const text = plan.entrypoints[entrypoint]?.schedule;
      if (text === undefined) continue;
      try {
        schedules.set(entrypoint, parseSchedule(text));
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error;
        log.warn({ app, entrypoint, code: error.code, reason: error.message }, 'schedule not understood');
      }
    }
    return schedules;
  }

  async #start(due: Due): Promise<void> {
    const { host, lives, registry, log, onLiveTrouble } = this.#means;
    const { app, entrypoint, minuteMs } = due;
    const about = { app, entrypoint, at: new Date(minuteMs).toISOString() };
    const live = scheduledLiveId(host, due);
    if (lives.has(live)) return; // 2
    if (registry.of(app).some((running) => running.entrypoint === entrypoint)) {
      log.warn(about, 'scheduled run left out: the one before it still runs'); // 4
      return;
    }
    try {
      const { ended } = await startLive({ live, app, entrypoint }, this.#means);
      log.info({ ...about, live }, 'scheduled run started');
      ended.catch(onLiveTrouble);
    } catch (error) {
      const isRefused = error instanceof RejectedError && error.code !== 'journal-corrupt';
      if (!isRefused && !(error instanceof TransientError)) throw error;
      log.warn({ ...about, reason: messageOf(error) }, 'scheduled run not started');
    }
  }
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const OTHER_DIGITS = 16;

/** Of the form of every live run's: digits of its minute, and others that tell hosts and entrypoints apart. */
export function scheduledLiveId(host: string, { app, entrypoint, minuteMs }: Due): string {
  const time = Array.from({ length: TIME_DIGITS }, (_, index) =>
    ALPHABET.charAt(Math.floor(minuteMs / 32 ** (TIME_DIGITS - 1 - index)) % 32),
  );
  const digest = Buffer.from(sha256(JSON.stringify([host, app, entrypoint, minuteMs])), 'hex');
  const others = [...digest.subarray(0, OTHER_DIGITS)].map((byte) => ALPHABET.charAt(byte % 32));
  return [...time, ...others].join('');
}
