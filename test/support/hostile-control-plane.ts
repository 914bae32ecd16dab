/**
 * A control plane whose owner is the enemy: real mutual TLS on loopback under its own CA, and every answer is given as
 * raw bytes, so that it can say what no encoder would.
 *
 * It knows nothing of mutations: whoever holds it replaces `answers`, and speaks into the open session.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MethodDefinition, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';

import { createAuthority } from '../../control-plane/authority/authority-files.ts';
import type { CertificateAuthority } from '../../control-plane/authority/certificate-authority.ts';
import { RejectedError } from '../../shared/errors.ts';
import { ListenerCredentials } from '../../shared/rpc/credentials.ts';
import { agentGatewayService, enrolmentService } from '../../shared/rpc/definitions.ts';
import type {
  AgentToControl,
  ChunkListRequest,
  ContentWant,
  EnrolRequest,
  MetadataRequest,
  RenewCertificateRequest,
} from '../../shared/rpc/generated/messages.ts';
import { createServer, type Listener, startListener } from '../../shared/rpc/listener.ts';
import { addService, messagesOf } from '../../shared/rpc/serve.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';

/** The answers by method; a message is its bytes on the wire. What they throw goes out as a status. */
export interface HostileAnswers {
  /** The answer to Hello. */
  welcome: (hello: AgentToControl) => readonly Buffer[];
  metadata: (name: string) => AsyncIterable<Buffer>;
  content: (wants: readonly ContentWant[]) => AsyncIterable<Buffer>;
  renew: (csr: Buffer) => Promise<Buffer>;
  enrol: (request: EnrolRequest) => Promise<Buffer>;
}

/** The session that is open. */
export interface HostileSession {
  say(message: Buffer): void;
  /** Ends it from this side. */
  end(): void;
}

type RawGateway = {
  session: { kind: 'bidi'; request: AgentToControl; response: Buffer };
  fetchMetadata: { kind: 'server-stream'; request: MetadataRequest; response: Buffer };
  fetchContent: { kind: 'server-stream'; request: { wants: ContentWant[] }; response: Buffer };
  fetchChunkList: { kind: 'unary'; request: ChunkListRequest; response: Buffer };
  renewCertificate: { kind: 'unary'; request: RenewCertificateRequest; response: Buffer };
};
type RawEnrolment = { enrol: { kind: 'unary'; request: EnrolRequest; response: Buffer } };

export class HostileControlPlane {
  readonly authority: CertificateAuthority;
  answers: HostileAnswers;
  /** Hears of every message of the host. */
  onHeard: (message: AgentToControl) => void = () => {};
  session: HostileSession | undefined;
  /** Highest id of a report that was heard: what an honest Welcome acknowledges. */
  heardId = 0;
  #listeners: Listener[] = [];

  /** The CA lives by `clock`; TLS itself knows the real time alone. */
  static async start(answers: HostileAnswers, clock: Clock = systemClock): Promise<HostileControlPlane> {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-hostile-ca-'));
    const authority = await createAuthority(folder, clock);
    rmSync(folder, { recursive: true });
    const hostile = new HostileControlPlane(authority, answers);
    await hostile.#listen();
    return hostile;
  }

  constructor(authority: CertificateAuthority, answers: HostileAnswers) {
    this.authority = authority;
    this.answers = answers;
  }

  get addresses(): { join: string; gateway: string } {
    const [joining, gateway] = this.#listeners.map(({ address }) => address);
    return { join: joining ?? '', gateway: gateway ?? '' };
  }

  async stop(): Promise<void> {
    this.session?.end();
    for (const listener of this.#listeners) await listener.stop();
  }

  async #listen(): Promise<void> {
    const identity = await this.authority.issueServerCertificate([]);
    const [joining, gateway] = [createServer(), createServer()];
    const authorize = async () => 'anybody' as const;
    const admitting = { audience: 'host', authorize, onError: () => {} } as const;
    addService<RawEnrolment, 'anybody'>(joining, {
      ...admitting,
      service: answeringBytes(enrolmentService),
      handlers: { enrol: (request) => this.answers.enrol(request) },
    });
    addService<RawGateway, 'anybody'>(gateway, {
      ...admitting,
      service: answeringBytes(agentGatewayService),
      handlers: {
        session: (stream) => this.#converse(stream),
        fetchMetadata: ({ name }) => this.answers.metadata(name),
        fetchContent: ({ wants }) => this.answers.content(wants),
        // Every file of the repository is too small to be cut.
        fetchChunkList: async ({ sha256 }) => {
          throw new RejectedError('blob-not-chunked', `blob "${sha256}" is small`);
        },
        renewCertificate: ({ csr }) => this.answers.renew(csr),
      },
    });
    const place = { host: '127.0.0.1', port: 0 };
    this.#listeners = [
      await startListener(joining, place, new ListenerCredentials(identity, 'not-asked-for')),
      await startListener(gateway, place, new ListenerCredentials(identity, 'required')),
    ];
  }

  async #converse(stream: ServerDuplexStream<AgentToControl, Buffer>): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const session: HostileSession = { say: (message) => stream.write(message), end: () => ended.resolve() };
    const listen = async (): Promise<void> => {
      for await (const message of messagesOf<AgentToControl>(stream)) {
        if (message.body === 'report') this.heardId = Math.max(this.heardId, message.seq);
        if (message.body === 'hello') {
          for (const bytes of this.answers.welcome(message)) session.say(bytes);
          this.session = session;
        }
        this.onHeard(message);
      }
    };
    await Promise.race([listen(), ended.promise]);
  }
}

/** The service with answers that are sent as they are. */
function answeringBytes(service: ServiceDefinition): ServiceDefinition {
  const raw = (definition: MethodDefinition<object, object>) => ({
    ...definition,
    responseSerialize: (message: object) => message as Buffer,
  });
  return Object.fromEntries(
    Object.entries(service).map(([method, definition]) => [
      method,
      raw(definition as MethodDefinition<object, object>),
    ]),
  );
}
