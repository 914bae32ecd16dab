/**
 * Who is connected, and what has to reach them.
 *
 * 1. A host has one session at most: a newer one ends the older.
 * 2. Ending a host's session also ends every other call of that host.
 */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { OpenCalls } from '../authority/open-calls.ts';

/** What others may do with an open session. */
export interface OpenSession {
  /** There are new directives in the log. */
  wake(): void;
  /** The trust metadata has changed. */
  hintTrust(): void;
  /** Ends it with that error; later calls do nothing. */
  end(reason: Error): void;
}

export interface Presence {
  /** Milliseconds since 1970. */
  readonly lastSeenAt: number;
  readonly clockAt: number | undefined;
  readonly agentVersion: string;
}

export class HostSessions {
  readonly #sessions = new Map<string, OpenSession>();
  readonly #presences = new Map<string, Presence>();
  /** By the name of the host. */
  readonly calls = new OpenCalls();

  /** Makes `session` the one session of its host. */
  open(host: string, session: OpenSession): void {
    this.#sessions.get(host)?.end(new RejectedError('session-replaced', `host "${host}" has opened a newer session`));
    this.#sessions.set(host, session);
  }

  /** Forgets the session, unless a newer one has taken its place. */
  close(host: string, session: OpenSession): void {
    if (this.#sessions.get(host) === session) this.#sessions.delete(host);
  }

  isConnected(host: string): boolean {
    return this.#sessions.has(host);
  }

  /** What was last heard while this control plane has been running. */
  presence(host: string): Presence | undefined {
    return this.#presences.get(host);
  }

  sawHost(host: string, presence: Presence): void {
    this.#presences.set(host, presence);
  }

  wake(host: string): void {
    this.#sessions.get(host)?.wake();
  }

  hintTrust(): void {
    for (const session of this.#sessions.values()) session.hintTrust();
  }

  putOut(host: string, reason: Error): void {
    this.#sessions.get(host)?.end(reason);
    this.calls.end(host, reason);
  }

  endAll(): void {
    const reason = new TransientError('the control plane is stopping');
    for (const session of this.#sessions.values()) session.end(reason);
    this.calls.endAll(reason);
  }
}
