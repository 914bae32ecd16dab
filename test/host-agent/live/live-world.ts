/** A standing host whose live processes do what a test says. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LiveRequest, type StartedLive, startLive } from '../../../host-agent/live/start-live.ts';
import type { LiveEnd, LiveRunRecord } from '../../../shared/orders/live-run.ts';
import { StandingHost } from '../../support/standing-host.ts';
import { APP } from '../../support/world-release.ts';

/** Tells that it has begun, and waits to be stopped; ends at once and well when it is. */
export const STAYS = `import signal, time
def end(*_):
    print("ending well", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
open(out + "/began", "w").close()
while True: time.sleep(1000)
`;

export class LiveHost extends StandingHost {
  #lives = 0;

  request(entrypoint = 'live'): LiveRequest {
    this.#lives += 1;
    return { live: String(this.#lives).padStart(26, '0'), app: APP, entrypoint };
  }

  /** Starts the entrypoint, which then runs the scenario, in Python; `out` is where it may write. */
  async start(scenario: string, entrypoint = 'live'): Promise<StartedLive> {
    this.scenario(scenario);
    return startLive(this.request(entrypoint), this.means);
  }

  /** The entrypoint of which nothing was said. */
  startAsItIs(): Promise<StartedLive> {
    return startLive(this.request(), this.means);
  }

  /** As it was when it came to its end by itself. */
  async endOf(scenario: string, entrypoint = 'live'): Promise<LiveEnd> {
    const { ended } = await this.start(scenario, entrypoint);
    return told(await ended);
  }

  /** Starts it, and waits until it says that it has begun. */
  async begin(scenario = STAYS, entrypoint = 'live'): Promise<StartedLive> {
    const started = await this.start(scenario, entrypoint);
    let end: LiveEnd | undefined;
    void started.ended.then(({ ended }) => {
      end = ended;
    });
    while (!this.has('began')) {
      if (end) throw new Error(`it ended before it had begun: ${JSON.stringify(end)}`);
      await delay(2);
    }
    return started;
  }

  /** Whether a live process has written a file of that name. */
  has(name: string): boolean {
    return existsSync(join(this.out, name));
  }

  /** What it wrote there. */
  written(name: string): string {
    return readFileSync(join(this.out, name), 'utf8');
  }

  /** Changes the installed tree. */
  spoil(): void {
    writeFileSync(join(this.installPath, 'tools/live.py'), 'print("mine")\n');
  }

  removeOut(): void {
    rmSync(this.out, { recursive: true });
  }
}

export function told({ ended }: LiveRunRecord): LiveEnd {
  if (!ended) throw new Error('the live run has not ended');
  return ended;
}
