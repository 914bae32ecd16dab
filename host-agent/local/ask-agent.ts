/** The other end of the agent's socket, for the commands of this host. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import { SOCKET_FILE } from './local-socket.ts';
import { encodeLine, type LocalAnswer, type LocalRequest } from './messages.ts';

/**
 * Asks the agent that runs on that folder; undefined when none listens there. The answers end before `done`. Errors:
 * `TransientError` when the socket is out of reach, and while reading, when the agent left before it was done.
 */
export async function askAgent(
  stateDirectory: string,
  request: LocalRequest,
): Promise<AsyncGenerator<Exclude<LocalAnswer, { said: 'done' }>> | undefined> {
  const socket = await connected(join(stateDirectory, SOCKET_FILE));
  if (!socket) return undefined;
  socket.on('error', () => socket.destroy()); // also where nobody reads yet; whoever reads is told
  socket.write(encodeLine(request));
  return answers(socket);
}

const NOBODY_LISTENS = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

async function connected(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (cause) {
    socket.destroy();
    if (NOBODY_LISTENS.has(systemCodeOf(cause) ?? '')) return undefined;
    throw new TransientError(`failed to reach the agent at "${path}"`, {
      cause,
      hint: 'ask as root, or as its own user',
    });
  }
}

async function* answers(socket: Socket): AsyncGenerator<Exclude<LocalAnswer, { said: 'done' }>> {
  try {
    for await (const line of createInterface({ input: socket })) {
      const answer = JSON.parse(line) as LocalAnswer;
      if (answer.said === 'done') return;
      yield answer;
    }
  } catch (cause) {
    throw agentLeft(cause); // what the connection fails with, or a line that was cut off
  } finally {
    socket.destroy();
  }
  throw agentLeft();
}

function agentLeft(cause?: unknown): TransientError {
  return new TransientError('failed to hear the agent out: it left before it was done', {
    cause,
    hint: 'what it has said until then has happened; keyturn-agent status tells how things stand',
  });
}
