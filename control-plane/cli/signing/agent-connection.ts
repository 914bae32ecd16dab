/**
 * A connection to the `ssh-agent` of this person: one question at a time, each with one answer.
 *
 * 1. A length is compared with the bound before anything is kept for it.
 * 2. Whatever goes wrong ends the connection: nobody knows what would be answered next.
 */
import { createConnection, type Socket } from 'node:net';
import { RejectedError, systemCodeOf, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sshString } from '../../../shared/trust/ssh-wire.ts';

const LENGTH_BYTES = 4;

export class AgentConnection {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // Who asks learns of it by the closing; between two questions nobody needs to know.
    socket.on('error', () => undefined);
  }

  /** Errors: `ssh-agent-missing`; `TransientError` when this user may not. */
  static async open(path: string | undefined): Promise<AgentConnection> {
    if (path === undefined || path === '') throw missing('SSH_AUTH_SOCK names none');
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) => reject(notReached(path, cause)));
    });
    return new AgentConnection(socket);
  }

  /** The answer without its length. Errors: `ssh-agent-answer-malformed`; `TransientError` when there is none. */
  async ask(question: Uint8Array, withinMs: number): Promise<Buffer> {
    try {
      const answer = this.#nextAnswer(withinMs);
      this.#socket.write(sshString(question));
      return await answer;
    } catch (error) {
      this.close(); // 2
      throw error;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #nextAnswer(withinMs: number): Promise<Buffer> {
    const socket = this.#socket;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    let seen = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const length = announced(seen);
      if (length === undefined) return;
      const fault = faultOf(seen, length);
      if (fault !== undefined) reject(malformed(fault));
      else if (seen.length === LENGTH_BYTES + length) resolve(seen.subarray(LENGTH_BYTES));
    };
    const hungUp = (): void => reject(new TransientError('failed to sign: the ssh-agent hung up without an answer'));
    const timer = setTimeout(() => reject(silent(withinMs)), withinMs);
    socket.on('data', take).once('close', hungUp);
    if (socket.destroyed) hungUp();
    return promise.finally(() => {
      clearTimeout(timer);
      socket.off('data', take).off('close', hungUp);
    });
  }
}

function announced(seen: Buffer): number | undefined {
  return seen.length < LENGTH_BYTES ? undefined : seen.readUInt32BE();
}

function faultOf(seen: Buffer, length: number): string | undefined {
  const { sshAgentMessageBytes } = LIMITS;
  if (length > sshAgentMessageBytes) return `${length} bytes, expected at most ${sshAgentMessageBytes}`; // 1
  const actual = seen.length - LENGTH_BYTES;
  return actual > length ? `it announced ${length} bytes and sent ${actual}` : undefined;
}

function notReached(path: string, cause: unknown): Error {
  const code = systemCodeOf(cause) ?? '';
  if (['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ENOTSOCK'].includes(code)) return missing(`nobody answers at "${path}"`);
  return new TransientError(`failed to reach the ssh-agent at "${path}"`, { cause });
}

function missing(reason: string): RejectedError {
  return new RejectedError('ssh-agent-missing', `failed to reach an ssh-agent: ${reason}`, {
    hint: 'start one with `eval "$(ssh-agent)"` and `ssh-add`, or name the file of the private key',
  });
}

function silent(withinMs: number): TransientError {
  return new TransientError(`failed to sign: the ssh-agent gave no answer within ${withinMs / 1000} s`, {
    hint: 'it may wait for a touch of the security key, or for a question to be answered on its own screen',
  });
}

function malformed(reason: string): RejectedError {
  return new RejectedError('ssh-agent-answer-malformed', `failed to read what the ssh-agent answered: ${reason}`);
}
