/** An `ssh-agent` that does what a test says: on a real socket, byte by byte what a real one could be made to send. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { sshKeyBlob } from '../../shared/trust/ssh-key.ts';
import { SshReader, sshString, sshUint32 } from '../../shared/trust/ssh-wire.ts';
import type { SecurityKey, SshFileKey } from './security-key.ts';

/** Bytes as they are sent, with their length in front or a lie; or a way to send none. */
export type Reaction = Buffer | 'hang up' | 'say nothing';

export interface FakeBehaviour {
  readonly list: () => Reaction;
  readonly sign: (request: { readonly key: Buffer; readonly data: Buffer }) => Reaction;
}

const TYPE = { failure: 5, identities: 12, signed: 14, requestIdentities: 11, signRequest: 13 };

/** An answer of that type with its true length. */
export function answerOf(type: number, ...parts: readonly Buffer[]): Buffer {
  return sshString(Buffer.concat([Buffer.from([type]), ...parts]));
}

export const refusal = answerOf(TYPE.failure);

export function identitiesAnswer(blobs: readonly Buffer[], count = blobs.length): Buffer {
  return answerOf(TYPE.identities, sshUint32(count), ...blobs.flatMap((blob) => [sshString(blob), sshString('a key')]));
}

export function signedAnswer(inner: Buffer): Buffer {
  return answerOf(TYPE.signed, sshString(inner));
}

/** Holds this key, and does what it is asked. */
export function honest(held: SecurityKey | SshFileKey): FakeBehaviour {
  return {
    list: () => identitiesAnswer([sshKeyBlob(held.key)]),
    sign: ({ data }) => signedAnswer(held.answer(data)),
  };
}

export class FakeSshAgent implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #questions = new EventEmitter();
  /** The types of all questions. */
  readonly asked: number[] = [];

  private constructor(behaviour: FakeBehaviour) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      let seen = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        seen = Buffer.concat([seen, chunk]);
        for (let length = frameLength(seen); length !== undefined; length = frameLength(seen)) {
          const reaction = this.#reactionTo(seen.subarray(4, 4 + length), behaviour);
          seen = seen.subarray(4 + length);
          if (reaction === 'hang up') socket.destroy();
          else if (reaction !== 'say nothing') socket.write(reaction);
          this.#questions.emit('asked');
        }
      });
    });
  }

  static async start(path: string, behaviour: FakeBehaviour): Promise<FakeSshAgent> {
    const agent = new FakeSshAgent(behaviour);
    agent.#server.listen(path);
    await once(agent.#server, 'listening');
    return agent;
  }

  get openCount(): number {
    return [...this.#sockets].filter((socket) => !socket.destroyed).length;
  }

  /** Once it was asked: sends more, one byte at a time. */
  async sayBytewise(bytes: Buffer): Promise<void> {
    if (this.asked.length === 0) await once(this.#questions, 'asked');
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      for (const byte of bytes) await new Promise((done) => socket.write(Buffer.from([byte]), done));
    }
  }

  /** Once the other side has closed every connection. */
  async allClosed(): Promise<void> {
    for (const socket of this.#sockets) if (!socket.destroyed) await once(socket, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #reactionTo(request: Buffer, behaviour: FakeBehaviour): Reaction {
    const reader = new SshReader(request);
    const type = reader.byte() ?? 0;
    this.asked.push(type);
    if (type === TYPE.requestIdentities) return behaviour.list();
    if (type !== TYPE.signRequest) return refusal;
    const [key = Buffer.alloc(0), data = Buffer.alloc(0)] = [reader.string(), reader.string()];
    return behaviour.sign({ key, data });
  }
}

function frameLength(seen: Buffer): number | undefined {
  const length = seen.length < 4 ? undefined : seen.readUInt32BE();
  return length !== undefined && seen.length >= 4 + length ? length : undefined;
}
