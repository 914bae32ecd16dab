/** What the control plane has to sign anew before it expires: its timestamp, and its own certificate. */
import type { Clock, Timer } from '../shared/time/clock.ts';
import { SERVER_CERTIFICATE_MS } from './authority/certificate-authority.ts';
import type { OperatorContext } from './operator/operator-context.ts';
import { renewTimestampIfDue } from './operator/timestamp.ts';

/** How soon a failed renewal is tried again. */
const RETRY_MS = 60_000;

export interface Renewals extends Timer {
  /** A new policy may ask for shorter lives. */
  onPublished(): void;
}

/** Renews at once what is due (the timestamp may have expired while nothing ran), and from then on, until cancelled. */
export async function keepRenewing(context: OperatorContext, renewCertificate: () => Promise<void>): Promise<Renewals> {
  const certificateDueMs = SERVER_CERTIFICATE_MS / 2;
  const timestamps = new Repetition(context, 'renew the timestamp', () => renewTimestampIfDue(context));
  const certificates = new Repetition(context, 'renew the server certificate', async () => {
    await renewCertificate();
    return certificateDueMs;
  });
  await timestamps.runNow();
  certificates.runIn(certificateDueMs);
  return {
    onPublished: () => void timestamps.runNow(),
    cancel: () => {
      timestamps.cancel();
      certificates.cancel();
    },
  };
}

/** An action that says when it is due again. */
class Repetition {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #action: () => Promise<number>;
  #timer: Timer | undefined;
  #isCancelled = false;

  constructor({ clock, onError }: OperatorContext, name: string, action: () => Promise<number>) {
    this.#clock = clock;
    this.#onError = (error) => onError(name, error);
    this.#action = action;
  }

  async runNow(): Promise<void> {
    let dueMs = RETRY_MS;
    try {
      dueMs = await this.#action();
    } catch (error) {
      // Whatever it was: what is signed already stays valid for a while, and the next try may succeed.
      if (!this.#isCancelled) this.#onError(error);
    }
    this.runIn(dueMs);
  }

  runIn(dueMs: number): void {
    this.#timer?.cancel();
    if (!this.#isCancelled) this.#timer = this.#clock.setTimer(dueMs, () => void this.runNow());
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#timer?.cancel();
  }
}
