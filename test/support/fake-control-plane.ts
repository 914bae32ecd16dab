/**
 * A control plane that does what a test says, over the real wire.
 *
 * Why not a fake client: what a link does wrong shows in what really arrives, in which order, and in how it takes a
 * stream that breaks off. A script plays one session after the other; a session that no script is left for is refused.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createAuthority } from '../../control-plane/authority/authority-files.ts';
import type { CertificateAuthority } from '../../control-plane/authority/certificate-authority.ts';
import { makeKeyWithRequest } from '../../host-agent/link/certificate-request.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { TransientError } from '../../shared/errors.ts';
import { ListenerCredentials } from '../../shared/rpc/credentials.ts';
import { agentGatewayService } from '../../shared/rpc/definitions.ts';
import type {
  AgentToControl,
  ChunkList,
  ContentParcel,
  ContentWant,
  ControlToAgent,
} from '../../shared/rpc/generated/messages.ts';
import type { AgentGatewayService } from '../../shared/rpc/generated/services.ts';
import { createServer, type Listener, startListener } from '../../shared/rpc/listener.ts';
import { addService } from '../../shared/rpc/serve.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';
import { SqliteJournalPorts } from './sqlite-journal-ports.ts';

/** One session, as its script sees it. */
export interface ScriptedSession {
  /** The next message; undefined when the host has hung up. */
  hear(): Promise<AgentToControl | undefined>;
  say(message: ControlToAgent): void;
}

/** Plays a session; it ends when the script does, with the error that the script throws. */
export type SessionScript = (session: ScriptedSession) => Promise<void>;

export class FakeControlPlane {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-fake-'));
  readonly identity = new IdentityStore(join(this.folder, 'identity'));
  readonly journal = new SqliteJournalPorts(join(this.folder, 'journal.sqlite'));
  readonly clock = new FakeClock(Date.now());
  /** What FetchContent answers. */
  content: (wants: readonly ContentWant[]) => AsyncIterable<ContentParcel> = async function* () {};
  /** What FetchChunkList answers. */
  chunkList: (sha256: string) => Promise<ChunkList> = async () => ({ lengths: [], digests: Buffer.alloc(0) });
  /** What RenewCertificate answers; by default a good certificate for this host. */
  renew: (csr: Buffer) => Promise<string> = async (csr) =>
    (await this.#authority.issueHostCertificate(csr, this.host)).certificate;
  readonly host = 'web-1';
  readonly #authority: CertificateAuthority;
  readonly #scripts: SessionScript[];
  #listener: Listener | undefined;
  sessionCount = 0;

  static async start(...scripts: SessionScript[]): Promise<FakeControlPlane> {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-fake-ca-'));
    const authority = await createAuthority(folder, new FakeClock(Date.now()));
    rmSync(folder, { recursive: true });
    const fake = new FakeControlPlane(authority, scripts);
    await fake.#enrolHost();
    await fake.#listen();
    return fake;
  }

  constructor(authority: CertificateAuthority, scripts: SessionScript[]) {
    this.#authority = authority;
    this.#scripts = scripts;
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  async stop(): Promise<void> {
    await this.#listener?.stop();
    this.journal.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #enrolHost(): Promise<void> {
    const { privateKey, csr } = await makeKeyWithRequest(this.host);
    const { certificate } = await this.#authority.issueHostCertificate(csr, this.host);
    this.identity.saveCa(this.#authority.caCertificate);
    this.identity.saveTls({ certificate, privateKey });
  }

  async #listen(): Promise<void> {
    const server = createServer();
    addService<AgentGatewayService, 'anybody'>(server, {
      service: agentGatewayService,
      audience: 'host',
      authorize: async () => 'anybody',
      onError: () => {},
      handlers: {
        session: (stream) => {
          const messages = stream[Symbol.asyncIterator]() as AsyncIterator<AgentToControl>;
          return this.#nextScript()({
            hear: async () => {
              const next = await messages.next();
              return next.done ? undefined : next.value;
            },
            say: (message) => stream.write(message),
          });
        },
        fetchMetadata: async function* () {},
        fetchContent: ({ wants }) => this.content(wants),
        fetchChunkList: ({ sha256 }) => this.chunkList(sha256),
        renewCertificate: async ({ csr }) => ({ certificate: await this.renew(csr) }),
      },
    });
    const credentials = new ListenerCredentials(await this.#authority.issueServerCertificate([]), 'required');
    this.#listener = await startListener(server, { host: '127.0.0.1', port: 0 }, credentials);
  }

  #nextScript(): SessionScript {
    this.sessionCount += 1;
    return this.#scripts.shift() ?? (async () => Promise.reject(new TransientError('no script is left')));
  }
}

export function welcome(ack = 0): ControlToAgent {
  return { seq: 0, ack, body: 'welcome', welcome: { lastDirectiveSeq: 0 } };
}

export function deployDirective(seq: number): ControlToAgent {
  const deploy = { runId: `run-${seq}`, targetPath: 'demo/1.0.json', statementSha256: 'a'.repeat(64) };
  return { seq, ack: 0, body: 'directive', directive: { kind: 'deploy', deploy } };
}
