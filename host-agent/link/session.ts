/**
 * One session, from Hello to its end.
 *
 * N1 Hello names the last durable directive; Welcome names the last durable report. Both logs go on from there.
 * N2 A directive is acknowledged only once the journal has it, byte for byte as it came.
 * N3 Reports go out in the order of their ids, each once a session; they are forgotten only when acknowledged.
 * N4 A slow peer costs one batch of reports in memory; progress that it is too slow for is replaced by later progress.
 * N5 Welcome says where the directives of this host end; until all of them are durable here, a kill may be on its way.
 */
import { RejectedError, type TransientError } from '../../shared/errors.ts';
import { reportCodec } from '../../shared/rpc/definitions.ts';
import type { AgentToControl, RunProgress } from '../../shared/rpc/generated/messages.ts';
import { drained } from '../../shared/rpc/serve.ts';
import { errorOfStatus } from '../../shared/rpc/status.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import type { LinkStream, ReceivedMessage } from './gateway-client.ts';
import type { DirectiveInbox, Outbox } from './journal-ports.ts';

/** What a session speaks for. */
export interface SessionPorts {
  readonly inbox: DirectiveInbox;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly agentVersion: string;
  readonly heartbeatMs: number;
  /** The trust metadata may have changed. Must not throw. */
  onTrustHint(): void;
}

const REPORT_BATCH_COUNT = 64;

export class Session {
  readonly #ports: SessionPorts;
  readonly #stream: LinkStream;
  readonly #messages: AsyncIterator<ReceivedMessage>;
  readonly #ending = new AbortController();
  readonly #wakeup = new Wakeup();
  readonly #progress = new Map<string, RunProgress>();
  #heartbeat: Timer | undefined;
  /** The highest report that was sent in this session, or that the control plane had before. */
  #sentId = 0;
  /** Where the log of directives ended when the session began. */
  #awaitedSeq = Number.POSITIVE_INFINITY;
  #isAckDue = false;
  #isHeartbeatDue = false;

  constructor(ports: SessionPorts, stream: LinkStream) {
    this.#ports = ports;
    this.#stream = stream;
    this.#messages = stream[Symbol.asyncIterator]() as AsyncIterator<ReceivedMessage>;
  }

  /** Says Hello and hears Welcome. Errors: `RejectedError` with the peer's code or `welcome-missing`; `TransientError`. */
  async greet(): Promise<void> {
    const { agentVersion, outbox } = this.#ports;
    await this.#write({ ...this.#header(), body: 'hello', hello: { agentVersion } }); // N1
    const first = await this.#next();
    if (first?.body !== 'welcome') throw refused('welcome-missing', `it answered Hello with "${first?.body}"`);
    this.#sentId = first.ack;
    this.#awaitedSeq = first.welcome.lastDirectiveSeq; // N5
    outbox.acknowledge(first.ack);
  }

  /** Whether everything that waited for this host when the session began is durable here. */
  get isCaughtUp(): boolean {
    return Number(this.#ports.inbox.lastSeq()) >= this.#awaitedSeq;
  }

  /** Converses until the peer ends it (resolves) or something fails. Errors: as `greet`, and what the journal refuses. */
  async converse(): Promise<void> {
    const stopListening = this.#ports.outbox.onAppend(() => this.#wakeup.wake());
    this.#scheduleHeartbeat();
    this.#wakeup.wake();
    try {
      // What loses the race ends with the stream.
      await Promise.race([this.#receive(), this.#send()]);
    } finally {
      stopListening();
      this.#heartbeat?.cancel();
      this.#ending.abort();
    }
  }

  /** Sent soon, or replaced by a later one of the same run before that. */
  sendProgress(progress: RunProgress): void {
    this.#progress.set(progress.runId, progress);
    this.#wakeup.wake();
  }

  /** Says nothing more, and lets the peer end the session. */
  finish(): void {
    this.#ending.abort();
    this.#stream.end();
  }

  async #receive(): Promise<void> {
    for (let message = await this.#next(); message !== undefined; message = await this.#next()) {
      this.#hearAck(message.ack);
      await this.#hear(message);
    }
  }

  async #hear(message: ReceivedMessage): Promise<void> {
    switch (message.body) {
      case 'welcome':
        throw refused('welcome-repeated', 'the session has begun already');
      case 'directive': {
        const { seq, directive, directiveBytes = Buffer.alloc(0) } = message;
        await this.#ports.inbox.accept({ seq, bytes: directiveBytes, message: directive }); // N2
        this.#isAckDue = true;
        this.#wakeup.wake();
        return;
      }
      case 'trustHint':
        this.#ports.onTrustHint();
        return;
      case undefined:
        return;
    }
  }

  #hearAck(id: number): void {
    if (id > this.#sentId)
      throw refused('acknowledgement-unfounded', `it has report ${id}, ${this.#sentId} was the last one sent`);
    this.#ports.outbox.acknowledge(id); // N3
  }

  async #send(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#wakeup.sleep(signal);
      await this.#sendReports();
      await this.#sendProgress();
      if (this.#isHeartbeatDue) await this.#sendHeartbeat();
      if (this.#isAckDue) await this.#write(this.#header());
    }
    // Finished: the peer ends the session, and what it still says is heard.
    await new Promise<never>(() => {});
  }

  async #sendReports(): Promise<void> {
    for (;;) {
      const batch = this.#ports.outbox.pendingAfter(this.#sentId, REPORT_BATCH_COUNT);
      for (const { id, bytes } of batch) {
        if (this.#ending.signal.aborted) return;
        this.#sentId = id;
        await this.#write({ ...this.#header(), seq: id, body: 'report', report: reportCodec.decode(bytes) }); // N3
      }
      if (batch.length < REPORT_BATCH_COUNT) return;
    }
  }

  async #sendProgress(): Promise<void> {
    for (const [runId, progress] of this.#progress) {
      this.#progress.delete(runId);
      await this.#write({ ...this.#header(), body: 'progress', progress });
    }
  }

  async #sendHeartbeat(): Promise<void> {
    this.#isHeartbeatDue = false;
    await this.#write({ ...this.#header(), body: 'heartbeat', heartbeat: { clockAtMs: this.#ports.clock.now() } });
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#ports.clock.setTimer(this.#ports.heartbeatMs, () => {
      this.#isHeartbeatDue = true;
      this.#wakeup.wake();
      this.#scheduleHeartbeat();
    });
  }

  #header(): { seq: number; ack: number } {
    this.#isAckDue = false;
    return { seq: 0, ack: Number(this.#ports.inbox.lastSeq()) };
  }

  async #write(message: AgentToControl): Promise<void> {
    if (this.#ending.signal.aborted) return;
    if (!this.#stream.write(message)) await drained(this.#stream, this.#ending.signal); // N4
  }

  async #next(): Promise<ReceivedMessage | undefined> {
    try {
      const next = await this.#messages.next();
      return next.done ? undefined : next.value;
    } catch (error) {
      throw errorOfStatus(error, 'hold the session');
    }
  }
}

/** What ended a session, in the two families; anything else is a fault of this program and goes on flying. */
export function sessionError(error: unknown): RejectedError | TransientError {
  return errorOfStatus(error, 'hold the session');
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to hold session: ${reason}`);
}
