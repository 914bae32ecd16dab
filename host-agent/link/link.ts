/**
 * The host's link to its control plane: it dials out, holds one session, and dials again when that ends.
 *
 * L1 At most one connection stands at a time, and every state owns what it has opened: whoever leaves it closes that.
 * L2 Each dial reads the identity anew, so a renewed certificate, or a new enrolment, is used by the next one.
 * L3 The wait before a dial grows with each failure, is drawn at random, and starts anew only after a session that held.
 * L4 A host that is put out stops dialing. Every other refusal is tried again, rarely; a loss, sooner.
 * L5 After `stop` nothing is dialed, nothing is open and no timer runs.
 */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import type { RunProgress } from '../../shared/rpc/generated/messages.ts';
import { type Timer, waitFor } from '../../shared/time/clock.ts';
import { backoffMs, longBackoffMs } from './backoff.ts';
import { keepCertificateFresh } from './certificate-renewal.ts';
import { dialGateway, type GatewayClient } from './gateway-client.ts';
import { type IdentityStore, lifeOf } from './identity-store.ts';
import { outcomeOf, type SessionOutcome } from './outcome.ts';
import { Session, type SessionPorts, sessionError } from './session.ts';

export interface LinkOptions extends Omit<SessionPorts, 'heartbeatMs'> {
  readonly host: string;
  /** `host:port` of the gateway. */
  readonly address: string;
  readonly identity: IdentityStore;
  readonly heartbeatMs?: number;
  /** Numbers from 0 up to, not including, 1. */
  readonly random: () => number;
  /** Hears of every change of state. Must not throw. */
  readonly onState?: (state: LinkState) => void;
  /** Hears of failures that the link lives with, such as a renewal that has to be tried again. */
  readonly onTrouble?: (error: unknown) => void;
  /** The certificate was renewed; the new one expires then, in milliseconds since 1970. */
  readonly onRenewed?: (expiresAt: number) => void;
}

export type LinkState =
  /** Waiting for its turn or for the connection; nothing is open that could be used. */
  | {
      readonly name: 'dialing';
      readonly failures: number;
      readonly waitMs: number;
      readonly lastError: Error | undefined;
    }
  /** Connected; Hello is out. */
  | { readonly name: 'handshaking'; readonly client: GatewayClient; readonly session: Session }
  /** The session holds. */
  | {
      readonly name: 'open';
      readonly client: GatewayClient;
      readonly session: Session;
      readonly renewal: Timer;
      readonly openedAt: number;
    }
  /** Stopping: what is under way may end. */
  | { readonly name: 'draining'; readonly client: GatewayClient; readonly session: Session }
  /** Nothing is open. `error` says why it will not dial again; undefined before the start and after a stop. */
  | { readonly name: 'closed'; readonly error: RejectedError | undefined };

const HEARTBEAT_MS = 30_000;
/** A connection that stood this long has shown that both sides can hold one. */
export const HELD_MS = 30_000;
const HANDSHAKE_TIMEOUT_MS = 20_000;
const DRAIN_TIMEOUT_MS = 2_000;

const ENROL_AGAIN = 'its certificate has expired: enrol this host again with: keyturn-agent enrol BUNDLE';

export class Link {
  readonly #options: LinkOptions;
  readonly #stopping = new AbortController();
  #state: LinkState = { name: 'closed', error: undefined };
  #life: Promise<void> = Promise.resolve();
  readonly #putOut = Promise.withResolvers<RejectedError>();
  #failures = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Resolves, with the reason, once the control plane has put this host out and nothing is dialed any more; else never. */
  get putOut(): Promise<RejectedError> {
    return this.#putOut.promise;
  }

  /** Begins to dial; to be called once. */
  start(): void {
    this.#life = this.#live();
  }

  /** Lets the session end, then closes. Resolves when nothing is open any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#life;
  }

  /** The open connection. Errors: `TransientError` when there is none. */
  gateway(): GatewayClient {
    if (this.#state.name === 'open') return this.#state.client;
    throw new TransientError(`failed to reach the control plane: the link is ${this.#state.name}`);
  }

  /** Whether the control plane has said everything that waited for this host: false while no session is open. */
  get isCaughtUp(): boolean {
    return this.#state.name === 'open' && this.#state.session.isCaughtUp;
  }

  /** Not kept: lost when no session is open. */
  sendProgress(progress: RunProgress): void {
    if (this.#state.name === 'open') this.#state.session.sendProgress(progress);
  }

  async #live(): Promise<void> {
    let waitMs = 0;
    let lastError: Error | undefined;
    while (!this.#stopping.signal.aborted) {
      this.#become({ name: 'dialing', failures: this.#failures, waitMs, lastError });
      if (waitMs > 0) await waitFor(this.#options.clock, waitMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) break;
      const outcome = await this.#dialOnce();
      if (outcome?.kind === 'fatal') return this.#closeForGood(outcome.error); // L4
      lastError = outcome?.error;
      waitMs = this.#waitAfter(outcome);
    }
    this.#become({ name: 'closed', error: undefined }); // L5
  }

  /** One connection and its session, from dial to end. Undefined when the link was stopped. Closes what it opens. */
  async #dialOnce(): Promise<SessionOutcome | undefined> {
    const ended = new AbortController();
    let client: GatewayClient | undefined;
    let openedAt: number | undefined;
    let expiresAt = Number.POSITIVE_INFINITY;
    try {
      const tls = this.#options.identity.loadTls(); // L2
      expiresAt = lifeOf(tls.certificate).expiresAt;
      client = dialGateway(this.#options.address, tls);
      const session = await this.#handshake(client, ended);
      openedAt = this.#options.clock.now();
      await this.#holdOpen({ client, session, ended, openedAt });
      throw new TransientError('the control plane has ended the session');
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      this.#options.onTrouble?.(error);
      const outcome = outcomeOf(this.#explain(sessionError(error), expiresAt));
      this.#countFailure(openedAt);
      return outcome;
    } finally {
      // L1: closing a client leaves its open calls alone; aborting ends them.
      ended.abort();
      client?.close();
    }
  }

  async #handshake(client: GatewayClient, ended: AbortController): Promise<Session> {
    const { clock } = this.#options;
    const giveUp = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => ended.abort());
    const stopped = () => ended.abort();
    this.#stopping.signal.addEventListener('abort', stopped, { once: true });
    try {
      await client.connect(ended.signal);
      const session = new Session(
        { heartbeatMs: HEARTBEAT_MS, ...this.#options },
        client.session({ signal: ended.signal }),
      );
      this.#become({ name: 'handshaking', client, session });
      await session.greet();
      return session;
    } finally {
      giveUp.cancel();
      this.#stopping.signal.removeEventListener('abort', stopped);
    }
  }

  async #holdOpen({
    client,
    session,
    ended,
    openedAt,
  }: {
    client: GatewayClient;
    session: Session;
    ended: AbortController;
    openedAt: number;
  }): Promise<void> {
    const { host, identity, clock, onRenewed = ignore, onTrouble = ignore } = this.#options;
    const renewal = keepCertificateFresh({ host, identity, client, clock, onRenewed, onFailed: onTrouble });
    let giveUp: Timer | undefined;
    const drain = () => {
      this.#become({ name: 'draining', client, session });
      giveUp = clock.setTimer(DRAIN_TIMEOUT_MS, () => ended.abort());
      session.finish();
    };
    this.#become({ name: 'open', client, session, renewal, openedAt });
    if (this.#stopping.signal.aborted) drain();
    this.#stopping.signal.addEventListener('abort', drain, { once: true });
    try {
      await session.converse();
    } finally {
      this.#stopping.signal.removeEventListener('abort', drain);
      renewal.cancel();
      giveUp?.cancel();
    }
  }

  #closeForGood(error: RejectedError): void {
    this.#become({ name: 'closed', error });
    this.#putOut.resolve(error);
  }

  #countFailure(openedAt: number | undefined): void {
    const hasHeld = openedAt !== undefined && this.#options.clock.now() - openedAt >= HELD_MS;
    this.#failures = hasHeld ? 1 : this.#failures + 1; // L3
  }

  #waitAfter(outcome: SessionOutcome | undefined): number {
    if (outcome?.kind === 'refused') return longBackoffMs(this.#options.random);
    return backoffMs(this.#failures, this.#options.random);
  }

  /** A server that cuts a connection off says nothing that can be relied on; the host's own clock and file do. */
  #explain(error: RejectedError | TransientError, expiresAt: number): RejectedError | TransientError {
    if (error instanceof RejectedError || expiresAt > this.#options.clock.now()) return error;
    const message = `failed to reach the control plane: ${error.message}`;
    return new RejectedError('certificate-expired', message, { cause: error, hint: ENROL_AGAIN });
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

function ignore(): void {
  // Nobody asked to hear of it.
}
