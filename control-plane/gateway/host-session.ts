/**
 * One session of one host.
 *
 * S1 The first message is Hello, and no other is.
 * S2 Directives go out in the order of the log, from the one after the host's last durable one, each once a session.
 * S3 A report is acknowledged only once it is durable: where it belongs, or aside if it was refused.
 * S4 A slow host costs one batch of its own log in memory; nothing waits for it but its own session.
 * S5 A session ends once, with one reason; whatever it still had to say is said again in the next.
 * S6 A session outlives its certificate only while the host has a newer one, and never a revocation.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';

import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { AgentToControl, ControlToAgent, RunProgress } from '../../shared/rpc/generated/messages.ts';
import { drained, messagesOf } from '../../shared/rpc/serve.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import type { AdmittedHost } from '../authority/caller-admission.ts';
import { directivesAfter, lastDirectiveSeq } from '../store/directives.ts';
import { recordSighting } from '../store/hosts.ts';
import { inboxPosition } from '../store/inbox-positions.ts';
import { markDelivered } from '../store/orders.ts';
import { findRun } from '../store/runs.ts';
import { watchCertificate } from './certificate-watch.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { OpenSession } from './host-sessions.ts';
import { storeReport } from './store-report.ts';

export type SessionStream = ServerDuplexStream<AgentToControl, ControlToAgent>;

const DIRECTIVE_BATCH_COUNT = 32;
const ORDER_KINDS: ReadonlySet<string> = new Set(['enable', 'kill', 'ruling']);
/** Longer than a host waits for its Welcome. */
const HELLO_MS = 30_000;

export class HostSession implements OpenSession {
  readonly #context: GatewayContext;
  readonly #host: AdmittedHost;
  readonly #stream: SessionStream;
  readonly #ending = new AbortController();
  readonly #wakeup = new Wakeup();
  /** The highest directive that was sent in this session, or that the host had before. */
  #sentSeq = 0;
  /** The highest outbox id that is durable here. */
  #position = 0;
  /** The first order that was sent and is not acknowledged, as far as is known. */
  #orderSeq = Number.POSITIVE_INFINITY;
  #isAckDue = false;
  #isHintDue = false;
  #agentVersion = '';

  constructor(context: GatewayContext, host: AdmittedHost, stream: SessionStream) {
    this.#context = context;
    this.#host = host;
    this.#stream = stream;
  }

  /** Runs until the host hangs up (resolves) or the session is ended (rejects with the reason). */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#ending.abort(), { once: true });
    const { sessions, onError } = this.#context;
    const watch = watchCertificate(this.#context, this.#host.identity, (reason) => this.end(reason)); // S6
    try {
      // What loses the race ends with the stream.
      await Promise.race([this.#converse(), aborted(this.#ending.signal)]);
      throwUnlessHungUp(this.#ending.signal, signal);
    } finally {
      watch.cancel();
      this.#ending.abort();
      sessions.close(this.#host.host, this);
      // Why the session ended is worth more to the host than that it was seen here is to us.
      await this.#recordSighting().catch((error: unknown) => onError('record a sighting', error));
    }
  }

  wake(): void {
    this.#wakeup.wake();
  }

  hintTrust(): void {
    this.#isHintDue = true;
    this.#wakeup.wake();
  }

  end(reason: Error): void {
    this.#ending.abort(reason);
  }

  async #converse(): Promise<void> {
    const messages = messagesOf<AgentToControl>(this.#stream);
    const silence = refused('hello-missing', `nothing came for ${HELLO_MS} ms`);
    const timer = this.#context.clock.setTimer(HELLO_MS, () => this.end(silence));
    const first = await messages.next().finally(() => timer.cancel());
    if (first.done) return;
    await this.#welcome(first.value);
    await Promise.race([this.#receive(messages), this.#send()]);
  }

  async #welcome(message: AgentToControl): Promise<void> {
    if (message.body !== 'hello') throw refused('hello-missing', `the session begins with "${message.body}"`); // S1
    const { agentVersion } = message.hello;
    if (agentVersion.length > LIMITS.versionLength) {
      const got = `${agentVersion.slice(0, LIMITS.versionLength)}...`;
      throw refused('hello-malformed', `its version has ${agentVersion.length} characters: "${got}"`);
    }
    const { store, sessions } = this.#context;
    const logEnd = await lastDirectiveSeq(store, this.#host);
    if (message.ack > logEnd) {
      // The host has seen more than this store knows: a restored copy must not number its directives anew.
      throw refused('directive-log-behind', `the host has directive ${message.ack}, the log ends at ${logEnd}`);
    }
    this.#sentSeq = message.ack;
    this.#position = await inboxPosition(store, this.#host);
    this.#agentVersion = agentVersion;
    this.#saw(undefined);
    if (this.#ending.signal.aborted) return;
    sessions.open(this.#host.host, this);
    await this.#write({ ...this.#header(), body: 'welcome', welcome: { lastDirectiveSeq: logEnd } });
    await this.#recordSighting();
    this.#wakeup.wake();
  }

  async #receive(messages: AsyncIterator<AgentToControl>): Promise<void> {
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      if (this.#ending.signal.aborted) return;
      await this.#hear(next.value);
    }
  }

  async #hear(message: AgentToControl): Promise<void> {
    this.#saw(message.body === 'heartbeat' ? message.heartbeat.clockAtMs : undefined);
    if (message.body === 'report') await this.#keepReport(message.seq, message); // what it answers is worth more than when it got it
    if (message.ack >= this.#orderSeq) await this.#noteDelivered(message.ack);
    switch (message.body) {
      case 'hello':
        throw refused('hello-repeated', 'the session has begun already'); // S1
      case 'progress':
        await this.#publishProgress(message.progress);
        return;
      case 'report':
      case 'heartbeat':
      case undefined:
        return;
    }
  }

  async #keepReport(id: number, { report }: Extract<AgentToControl, { body: 'report' }>): Promise<void> {
    const { store, clock, news, onRunSettled, onReceipt, onAlarm, onError } = this.#context;
    const fate = await storeReport(store, this.#host, { id, report, now: clock.now() });
    this.#position = Math.max(this.#position, id); // S3
    this.#isAckDue = true;
    this.#wakeup.wake();
    if (fate.kind === 'refused') onError(`keep report ${id} of host "${this.#host.host}"`, fate.error);
    if (fate.kind !== 'stored') return;
    news.publish(fate.runId);
    if (fate.isSettled) onRunSettled(fate.runId);
    if (fate.receipt) onReceipt(fate.receipt);
    if (fate.isAlarm) onAlarm(this.#host.host);
  }

  /** Written down for orders alone: nobody asks when a host got anything else. */
  async #noteDelivered(seq: number): Promise<void> {
    const { store, clock, news } = this.#context;
    this.#orderSeq = Number.POSITIVE_INFINITY;
    for (const order of await markDelivered(store, this.#host, { seq, now: clock.now() })) news.publish(order);
  }

  /** What is said of another host's run is not passed on. */
  async #publishProgress(progress: RunProgress): Promise<void> {
    const run = await findRun(this.#context.store, progress.runId);
    if (run?.host !== this.#host.host || run.incarnation !== this.#host.incarnation) return;
    this.#context.news.publish(run.id, progress);
  }

  /** Everything that goes out after the welcome goes out here, one message after the other. */
  async #send(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#wakeup.sleep(signal);
      await this.#sendDirectives();
      if (this.#isHintDue) {
        this.#isHintDue = false;
        await this.#write({ ...this.#header(), body: 'trustHint', trustHint: {} });
      }
      if (this.#isAckDue) await this.#write(this.#header());
    }
  }

  async #sendDirectives(): Promise<void> {
    const { store } = this.#context;
    for (;;) {
      const batch = await directivesAfter(store, this.#host, { seq: this.#sentSeq, limit: DIRECTIVE_BATCH_COUNT });
      for (const { seq, bytes, kind } of batch) {
        await this.#write({ ...this.#header(), seq, body: 'directive', directive: directiveCodec.decode(bytes) });
        this.#sentSeq = seq; // S2
        if (ORDER_KINDS.has(kind)) this.#orderSeq = Math.min(this.#orderSeq, seq);
      }
      if (batch.length < DIRECTIVE_BATCH_COUNT) return;
    }
  }

  #header(): { seq: number; ack: number } {
    this.#isAckDue = false;
    return { seq: 0, ack: this.#position };
  }

  async #write(message: ControlToAgent): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted) return;
    if (!this.#stream.write(message)) await drained(this.#stream, signal); // S4
  }

  #saw(clockAt: number | undefined): void {
    const { sessions, clock } = this.#context;
    const before = sessions.presence(this.#host.host);
    sessions.sawHost(this.#host.host, {
      lastSeenAt: clock.now(),
      clockAt: clockAt ?? before?.clockAt,
      agentVersion: this.#agentVersion,
    });
  }

  /** At both ends of a session; in between it stands in memory, because a write per heartbeat would cost a sync each. */
  async #recordSighting(): Promise<void> {
    const { sessions, store } = this.#context;
    const presence = sessions.presence(this.#host.host);
    if (presence !== undefined) await recordSighting(store, this.#host.host, presence);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A host that hung up is no error; a session that was ended says why. */
function throwUnlessHungUp(ending: AbortSignal, hungUp: AbortSignal): void {
  if (ending.aborted && !hungUp.aborted) throw ending.reason;
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to hold session: ${reason}`);
}
